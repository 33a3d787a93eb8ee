/**
 * From a recording of 10 s and a question to the first token of the answer, warm: ours through `npm start` over
 * HTTP, against what one would build instead, faster-whisper and then llama.cpp, in processes of their own and
 * without HTTP. The same Whisper and the same SmolLM2 in both, and as many threads.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Bench, median } from '../bench.ts'
import { cutClips } from '../clips.ts'
import type { LineProcess } from '../line-process.ts'
import { startFasterWhisper, startLlamaCpp } from '../references.ts'
import { ServerProcess } from '../server-process.ts'

const CLIP_SECONDS = 10
const WARM_UPS = 2
const QUESTION = 'What does the speaker say?'
/** Words come whole once the next one begins: a few tokens bring the first of them out. */
const MAX_TOKENS = 4
const BEAMS = [
  { name: 'default beam', size: null },
  { name: 'greedy', size: 1 },
]

const firstToken: Bench = async function* ({ threads, runs = 9, log }) {
  const clips = await cutClips(WARM_UPS + runs, CLIP_SECONDS)
  const directory = await mkdtemp(join(tmpdir(), 'auricle-bench-'))
  const [whisper, llama] = await Promise.all([startFasterWhisper(threads), startLlamaCpp(threads)])
  const server = await ServerProcess.start()
  try {
    const ours: number[] = []
    const cascades: number[][] = BEAMS.map(() => [])
    for (const [i, clip] of clips.entries()) {
      const path = join(directory, `${i}.wav`)
      await writeFile(path, clip)
      const { firstTokenMs, answer } = await server.ask(clip, QUESTION, MAX_TOKENS)
      if (i >= WARM_UPS) ours.push(firstTokenMs)
      for (const [k, beam] of BEAMS.entries()) {
        const cascade = await askCascade(whisper, llama, path, beam.size)
        if (i >= WARM_UPS) cascades[k]!.push(cascade.ms)
        if (i === 0 && k === 0) log(`the cascade heard "${cascade.heard}"; ours begins "${answer}"`)
      }
    }
    const peers = BEAMS.map(({ name }, k) => ({
      name: `faster-whisper int8 (${name}) + llama.cpp`,
      value: median(cascades[k]!),
    })).toSorted((a, b) => a.value - b.value)
    for (const { name, value } of peers) log(`${name}: ${value.toFixed(0)} ms`)
    yield { bench: 'first-token', value: median(ours), unit: 'ms', peer: peers[0]! }
  } finally {
    await Promise.all([server.stop(), whisper.close(), llama.close()])
    await rm(directory, { recursive: true })
  }
}
export default firstToken

async function askCascade(whisper: LineProcess, llama: LineProcess, audio: string, beamSize: number | null) {
  const heard = await whisper.ask<{ text: string; ms: number }>({ audio, beam_size: beamSize })
  const answered = await llama.ask<{ ms: number }>({
    op: 'first-token',
    system: '<|im_start|>system\nYou are a helpful assistant.<|im_end|>\n',
    user:
      `<|im_start|>user\nTranscript of a recording: ${heard.text}\n\n${QUESTION}<|im_end|>\n` +
      '<|im_start|>assistant\n',
  })
  return { heard: heard.text, ms: heard.ms + answered.ms }
}
