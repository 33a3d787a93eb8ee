/**
 * Whisper tiny.en's encoder on 1, 5, 10 and 30 s of mel frames: ours (with the keys and values of the decoder's
 * cross-attention) against CTranslate2 in int8 on the same frames, and against the full window of 30 s that
 * faster-whisper always encodes.
 */
import { fileURLToPath } from 'node:url'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import type { OrtSession } from '../../gpu-worker/runtime/runtime.ts'
import { tensor } from '../../gpu-worker/runtime/tensor.ts'
import { type Bench, median, seededRandom } from '../bench.ts'
import { startFasterWhisper } from '../references.ts'

const ENCODER = fileURLToPath(new URL('../../models/whisper-tiny.en/encoder.onnx', import.meta.url))
const MEL_BINS = 80
const FRAMES_A_SECOND = 100
const WINDOW_SECONDS = 30

const encoder: Bench = async function* ({ threads, runs = 15 }) {
  const runtime = await loadRuntime()
  const [session, whisper] = await Promise.all([
    runtime.loadSession(ENCODER, { threads }),
    startFasterWhisper(threads),
  ])
  const ctranslate2 = async (seconds: number) =>
    (await whisper.ask<{ ms: number }>({ frames: seconds * FRAMES_A_SECOND })).ms
  try {
    for (const seconds of [1, 5, 10, WINDOW_SECONDS]) {
      const ours: number[] = []
      const sameFrames: number[] = []
      const fullWindow: number[] = []
      for (let run = -2; run < runs; run++) {
        const times = [await encode(session, seconds), await ctranslate2(seconds)]
        if (seconds < WINDOW_SECONDS) times.push(await ctranslate2(WINDOW_SECONDS))
        if (run < 0) continue
        for (const [i, list] of [ours, sameFrames, fullWindow].entries()) {
          if (times[i] !== undefined) list.push(times[i])
        }
      }
      const value = median(ours)
      const peer = { name: 'CTranslate2 int8, the same frames', value: median(sameFrames) }
      yield { bench: `encoder/${seconds}s`, value, unit: 'ms', peer }
      if (fullWindow.length === 0) continue
      const window = { name: 'CTranslate2 int8, always 30 s', value: median(fullWindow) }
      yield { bench: `encoder/${seconds}s/window`, value, unit: 'ms', peer: window }
    }
  } finally {
    await Promise.all([whisper.close(), session.release()])
  }
}
export default encoder

const random = seededRandom(1)

async function encode(session: OrtSession, seconds: number): Promise<number> {
  const frames = seconds * FRAMES_A_SECOND
  const mel = Float32Array.from({ length: MEL_BINS * frames }, () => random() * 2 - 1)
  const startedMs = performance.now()
  await session.run({
    mel: tensor('float32', mel, [1, MEL_BINS, frames]),
    frame_counts: tensor('int64', BigInt64Array.of(BigInt(frames)), [1]),
  })
  return performance.now() - startedMs
}
