import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { createFourierWorkspace, powerSpectraOfPair } from './fourier.ts'
import { logMelSpectrogram, type MelBins } from './mel.ts'

const goldens = new URL('../../test/parity/goldens/', import.meta.url)

function readFloats(name: string): Float32Array {
  return new Float32Array(new Uint8Array(readFileSync(new URL(name, goldens))).buffer)
}

/** A deterministic noise, [n] f32 in [-0.5, 0.5). */
function noise(n: number): Float32Array {
  let state = 1
  return Float32Array.from({ length: n }, () => {
    state = (state * 48_271) % 2_147_483_647
    return state / 2_147_483_647 - 0.5
  })
}

describe('logMelSpectrogram', () => {
  for (const signal of ['speech', 'sweep', 'noise', 'silence'])
    for (const melBins of [80, 128] as MelBins[])
      it(`equals WhisperFeatureExtractor on ${signal} with ${melBins} bins, to 1e-4`, () => {
        const expected = readFloats(`mel-${signal}.${melBins}.f32`)
        const { data, frames } = logMelSpectrogram(readFloats(`mel-${signal}.samples.f32`), melBins)
        expect(frames).toBe(expected.length / melBins)
        const difference = data.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
        expect(difference).toBeLessThan(1e-4)
      })

  it('counts frames in pairs: 2 * ceil(samples / 320)', () => {
    for (const [samples, frames] of [
      [0, 0],
      [1, 2],
      [320, 2],
      [321, 4],
      [480_000, 3000],
    ] as const)
      expect(logMelSpectrogram(new Float32Array(samples), 80).frames).toBe(frames)
  })

  it('lets a click in the last samples set the dynamic range, though only a later frame holds it whole', () => {
    // The extractor takes the maximum over all of 30 s, so the window centred behind the click counts.
    const clicked = new Float32Array(3200)
    clicked[3199] = 1
    const padded = new Float32Array(6400)
    padded.set(clicked)
    const alone = logMelSpectrogram(clicked, 80)
    const followed = logMelSpectrogram(padded, 80)
    for (let bin = 0; bin < 80; bin++)
      expect(alone.data.subarray(bin * 20, bin * 20 + 20)).toEqual(
        followed.data.subarray(bin * 40, bin * 40 + 20),
      )
  })

  it('does not change when silence is added behind the audio', () => {
    const samples = noise(1_000)
    const padded = new Float32Array(16_000)
    padded.set(samples)
    const alone = logMelSpectrogram(samples, 128)
    const followed = logMelSpectrogram(padded, 128)
    for (let bin = 0; bin < 128; bin++)
      expect(alone.data.subarray(bin * alone.frames, (bin + 1) * alone.frames)).toEqual(
        followed.data.subarray(bin * followed.frames, bin * followed.frames + alone.frames),
      )
  })
})

describe('powerSpectraOfPair', () => {
  it('is the power of the discrete Fourier transform of each frame', () => {
    const samples = noise(800)
    const window = new Float64Array(400).fill(1)
    const powers = [new Float64Array(201), new Float64Array(201)] as const
    powerSpectraOfPair(createFourierWorkspace(), samples, 0, 333, window, ...powers)
    for (const [start, power] of [
      [0, powers[0]],
      [333, powers[1]],
    ] as const)
      for (let k = 0; k <= 200; k++) {
        let re = 0
        let im = 0
        for (let n = 0; n < 400; n++) {
          re += samples[start + n]! * Math.cos((2 * Math.PI * k * n) / 400)
          im += samples[start + n]! * Math.sin((2 * Math.PI * k * n) / 400)
        }
        expect(power[k]).toBeCloseTo(re * re + im * im, 8)
      }
  })
})
