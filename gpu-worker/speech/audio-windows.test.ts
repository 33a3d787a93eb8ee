import { expect, it } from 'vitest'
import type { VoiceActivity } from '../model/silero-vad/voice-activity.ts'
import { type AudioWindow, fitsIn, quietWindows, speechWindows } from './audio-windows.ts'

const RATE = 16_000
const { signal } = new AbortController()

/** Sample n is its own index, so that a window tells where it was cut; speech is where `isSpeech` says. */
function recording(seconds: number, isSpeech: (second: number) => boolean): Float32Array {
  return Float32Array.from({ length: seconds * RATE }, (_, n) => (isSpeech(n / RATE) ? n + 1 : 0))
}

async function* piecesOf(samples: Float32Array, size: number) {
  for (let at = 0; at < samples.length; at += size) yield samples.subarray(at, at + size)
}

/** Speech is what isn't zero. */
const activity = {
  frameSamples: 512,
  warmUpSamples: 512 * 24,
  async probabilities(samples: Float32Array, from: number) {
    const frames = Math.ceil((samples.length - from) / 512)
    return Float32Array.from({ length: frames }, (_, frame) => (samples[from + frame * 512] ? 1 : 0))
  },
} as unknown as VoiceActivity

const options = { threshold: 0.5, minSilenceMs: 500, speechPadMs: 100 }

async function collect(windows: AsyncIterable<AudioWindow>): Promise<AudioWindow[]> {
  return Array.fromAsync(windows)
}

it('leaves long pauses out, keeps short ones, and says where windows begin', async () => {
  // Two sentences near one another, one far from them, one longer than a window.
  const isSpeech = (s: number) => (s > 1 && s < 6) || (s > 7.5 && s < 12) || (s > 40 && s < 45) || s > 60
  const samples = recording(100, isSpeech)
  let spoken = 0
  const windows = await collect(
    speechWindows(piecesOf(samples, 3_000), 28, { activity, options, signal }, count => {
      spoken += count
    }),
  )
  const ranges = windows.map(({ start, samples: { length } }) => [start / RATE, (start + length) / RATE])
  expect(ranges[0]![0]).toBeCloseTo(0.9, 1)
  expect(ranges[0]![1]).toBeCloseTo(12.1, 1)
  expect(ranges[1]![0]).toBeCloseTo(39.9, 1)
  expect(ranges[1]![1]).toBeCloseTo(45.1, 1)
  for (const [from, to] of ranges) expect(to! - from!).toBeLessThanOrEqual(28)
  expect(ranges.at(-1)![1]).toBe(100)
  expect(spoken / RATE).toBeCloseTo(5 + 4.5 + 5 + 40, -0.5)
  for (const { start, samples: cut } of windows) expect(cut).toEqual(samples.slice(start, start + cut.length))
  // Nothing that is speech is left out.
  const covered = (second: number) => ranges.some(([from, to]) => second >= from! && second < to!)
  for (let second = 0; second < 100; second += 0.05) if (isSpeech(second)) expect(covered(second)).toBe(true)
})

it('without speech there are no windows', async () => {
  const windows = speechWindows(
    piecesOf(new Float32Array(80 * RATE), 7_000),
    28,
    { activity, options, signal },
    () => {},
  )
  expect(await collect(windows)).toEqual([])
})

it('cuts everything into windows without gaps where nothing tells speech', async () => {
  const samples = recording(70, () => true)
  const windows = await collect(quietWindows(piecesOf(samples, 12_345), 20))
  let end = 0
  for (const { start, samples: cut } of windows) {
    expect(start).toBe(end)
    expect(cut.length).toBeLessThanOrEqual(20 * RATE)
    expect(cut[0]).toBe(samples[start])
    end = start + cut.length
  }
  expect(end).toBe(samples.length)
})

it('knows whether a recording is short having read no more than it must', async () => {
  let read = 0
  async function* endless() {
    for (;;) {
      read++
      yield new Float32Array(RATE)
    }
  }
  const [isShort, all] = await fitsIn(endless(), 10)
  expect(isShort).toBe(false)
  expect(read).toBe(11)
  for await (const piece of all) {
    expect(piece).toHaveLength(RATE)
    if (read > 13) break
  }
  const [fits, pieces] = await fitsIn(
    piecesOf(
      recording(3, () => true),
      9_000,
    ),
    10,
  )
  expect(fits).toBe(true)
  expect((await Array.fromAsync(pieces)).reduce((sum, { length }) => sum + length, 0)).toBe(3 * RATE)
})
