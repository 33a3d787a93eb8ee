/** The programs that ours is measured against: installed by scripts/install-references.sh, outside package.json. */
import { access } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { LineProcess } from './line-process.ts'

const DIRECTORY =
  process.env['AURICLE_REFERENCES'] ?? fileURLToPath(new URL('../build/references', import.meta.url))
const PYTHON = join(DIRECTORY, 'python/bin/python')
const NODE_LLAMA_CPP = join(DIRECTORY, 'node/node_modules/node-llama-cpp/dist/index.js')

const scriptOf = (name: string) => fileURLToPath(new URL(`./peers/${name}`, import.meta.url))

/** faster-whisper with Whisper tiny.en in int8, loaded. Close it when done. */
export async function startFasterWhisper(threads: number): Promise<LineProcess> {
  await need(PYTHON)
  return LineProcess.start(PYTHON, [scriptOf('faster_whisper_peer.py'), String(threads)])
}

/** As SmolLM2's GGUF is published; the same bits as ours; the four bits that llama.cpp repacks at load. */
export const LLAMA_CPP_FORMATS = ['Q4_1', 'Q8_0', 'Q4_0'] as const

/** llama.cpp (node-llama-cpp's prebuilt) with SmolLM2-135M-Instruct, loaded. Close it when done. */
export async function startLlamaCpp(
  threads: number,
  format: (typeof LLAMA_CPP_FORMATS)[number] = 'Q4_1',
): Promise<LineProcess> {
  const gguf = join(DIRECTORY, `gguf/smollm2.${format}.gguf`)
  await Promise.all([need(gguf), need(NODE_LLAMA_CPP)])
  return LineProcess.start(process.execPath, [
    scriptOf('llama-cpp.ts'),
    NODE_LLAMA_CPP,
    gguf,
    String(threads),
  ])
}

async function need(path: string): Promise<void> {
  await access(path).catch(() => {
    throw new Error(
      `The peers aren't installed (${path} is missing): run scripts/install-references.sh, ` +
        'or name their folder in AURICLE_REFERENCES.',
    )
  })
}
