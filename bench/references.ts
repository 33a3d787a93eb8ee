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

/** llama.cpp (node-llama-cpp's prebuilt) with SmolLM2-135M-Instruct as its GGUF has it, loaded. Close it when done. */
export async function startLlamaCpp(threads: number): Promise<LineProcess> {
  await Promise.all([need(PYTHON), need(NODE_LLAMA_CPP)])
  const gguf = await LineProcess.start(PYTHON, [scriptOf('find_gguf.py')])
  const { path } = await gguf.ask<{ path: string }>({})
  await gguf.close()
  return LineProcess.start(process.execPath, [
    scriptOf('llama-cpp.ts'),
    NODE_LLAMA_CPP,
    path,
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
