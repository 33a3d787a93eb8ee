/** Clips of a real recording, each a little different, so that no cache knows one. */
import { readFile } from 'node:fs/promises'
import { decodeAudio } from '../gpu-worker/audio/decode.ts'
import { encodeWav } from '../web/wav.js'

const RECORDING = new URL('../web/samples/inaugural.wav', import.meta.url)
const SAMPLE_RATE_HZ = 16_000

/**
 * Cuts clips out of the bundled speech, beginning later and later.
 * @param seconds length of each; one that is longer than the recording has it again and again
 * @returns 16-bit WAV files, 16 kHz mono
 */
export async function cutClips(count: number, seconds: number): Promise<Buffer[]> {
  const { samples } = await decodeAudio(await readFile(RECORDING), { maxSeconds: 60, maxBytes: 1e7 })
  const length = Math.round(seconds * SAMPLE_RATE_HZ)
  const spare = length < samples.length ? samples.length - length : samples.length
  if (spare < count) throw new RangeError(`the recording is too short for ${count} clips of ${seconds} s`)
  return Promise.all(
    Array.from({ length: count }, async (_, i) => {
      const start = Math.floor((i * spare) / count)
      const clip = Float32Array.from({ length }, (_, k) => samples[(start + k) % samples.length]!)
      return Buffer.from(await encodeWav(clip, SAMPLE_RATE_HZ).arrayBuffer())
    }),
  )
}
