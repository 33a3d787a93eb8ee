import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Resampler, resample } from './resample.ts'

function sine(frequencyHz: number, rateHz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(rateHz * seconds) }, (_, i) =>
    Math.sin((2 * Math.PI * frequencyHz * i) / rateHz),
  )
}

/** Largest magnitude away from the ends, where the signal starts and stops abruptly. */
function peak(samples: Float32Array, margin = 800): number {
  return samples.subarray(margin, -margin).reduce((most, value) => Math.max(most, Math.abs(value)), 0)
}

/** The sweep that goldens/resample.py makes. */
function chirp(rateHz: number): Float32Array {
  const seconds = 0.1
  return Float32Array.from({ length: Math.floor(rateHz * seconds) }, (_, i) => {
    const time = i / rateHz
    return 0.5 * Math.sin(2 * Math.PI * (50 * time + ((rateHz / 2 - 50) / (2 * seconds)) * time ** 2))
  })
}

describe('resample', () => {
  for (const rateHz of [8_000, 11_025, 22_050, 44_100, 48_000, 96_000])
    it(`equals scipy.signal.resample_poly with the same filter from ${rateHz} Hz, to 1e-6`, () => {
      const file = readFileSync(new URL(`./goldens/resample-${rateHz}.f32`, import.meta.url))
      const expected = new Float32Array(new Uint8Array(file).buffer)
      const actual = resample(chirp(rateHz), rateHz)
      expect(actual.length).toBe(expected.length)
      const difference = actual.reduce((most, value, i) => Math.max(most, Math.abs(value - expected[i]!)), 0)
      expect(difference).toBeLessThan(1e-6)
    })

  for (const rateHz of [8_000, 12_000, 22_050, 32_000, 44_100, 44_101, 48_000, 192_000])
    it(`keeps amplitude, frequency and phase of a 1 kHz tone from ${rateHz} Hz`, () => {
      const actual = resample(sine(1000, rateHz, 0.5), rateHz)
      const error = actual.map((value, i) => value - Math.sin((2 * Math.PI * 1000 * i) / 16_000))
      expect(peak(error)).toBeLessThan(1e-4)
    })

  for (const rateHz of [22_050, 44_100, 48_000, 96_000])
    it(`suppresses tones above 8 kHz by 60 dB from ${rateHz} Hz`, () => {
      for (const frequencyHz of [8_010, 8_500, 10_000])
        expect(peak(resample(sine(frequencyHz, rateHz, 0.2), rateHz))).toBeLessThan(1e-3)
    })

  it('passes 7.2 kHz within 0.01 dB', () => {
    expect(peak(resample(sine(7_200, 48_000, 0.5), 48_000))).toBeCloseTo(1, 3)
  })

  it('leaves no image above 4 kHz when 8 kHz audio goes up', () => {
    const up = resample(sine(3_500, 8_000, 0.5), 8_000)
    const error = up.map((value, i) => value - Math.sin((2 * Math.PI * 3_500 * i) / 16_000))
    expect(peak(error)).toBeLessThan(1e-3)
  })

  it('passes 16 kHz through untouched, as a copy', () => {
    const samples = sine(440, 16_000, 0.1)
    const actual = resample(samples, 16_000)
    expect(actual).toEqual(samples)
    expect(actual.buffer).not.toBe(samples.buffer)
  })

  it('gives ceil(n * up / down) samples, for nothing and for one sample too', () => {
    for (const n of [0, 1, 2, 3, 440, 441, 442])
      expect(resample(new Float32Array(n), 44_100).length).toBe(Math.ceil((n * 160) / 441))
  })

  it('does not depend on how the input is cut', () => {
    const whole = sine(997, 44_100, 0.05)
    const expected = resample(whole, 44_100)
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: whole.length }), { maxLength: 8 }), cuts => {
        const resampler = new Resampler(44_100)
        const edges = [0, ...cuts.sort((a, b) => a - b), whole.length]
        const pieces = edges.slice(1).map((end, i) => resampler.push(whole.subarray(edges[i], end)))
        pieces.push(resampler.flush())
        expect(Float32Array.from(pieces.flatMap(piece => [...piece]))).toEqual(expected)
      }),
      { numRuns: 30 },
    )
  })

  it('refuses rates that no recorder writes', () => {
    for (const rateHz of [0, 999, 384_001, 44_100.5, Number.NaN])
      expect(() => new Resampler(rateHz)).toThrow(RangeError)
  })
})
