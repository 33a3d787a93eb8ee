import fc from 'fast-check'
import { describe, expect, it, test } from 'vitest'
import { readFloats } from '../../test/parity/golden.ts'
import { seededRandom } from '../sampling/random.ts'
import { logMelSpectrogram, melPower } from './mel.ts'
import {
  exponentialIntegral,
  kthSmallest,
  quieterMel,
  signalToNoise,
  steadyNoise,
  suppressNoise,
} from './suppress-noise.ts'

/** Two seconds of a voice, [n] f32. */
const speech = readFloats('mel-speech.samples.f32')

/** White noise so many decibels below the voice, behind `seconds` of nothing but noise. */
function inNoise(decibels: number, seconds = 1): Float32Array {
  const random = seededRandom(4)
  const power = speech.reduce((sum, sample) => sum + sample * sample, 0) / speech.length
  const amplitude = Math.sqrt((3 * power) / 10 ** (decibels / 10))
  const samples = new Float32Array(seconds * 16_000 + speech.length)
  samples.set(speech, seconds * 16_000)
  return samples.map(sample => sample + amplitude * (2 * random() - 1))
}

test("the exponential integral equals SciPy's", () => {
  const known = [
    [0.01, 4.0379295765],
    [0.5, 0.5597735948],
    [1, 0.2193839344],
    [1.5, 0.1000195824],
    [2, 0.0489005107],
    [10, 4.156968929e-6],
  ] as const
  for (const [x, value] of known) expect(exponentialIntegral(x) / value).toBeCloseTo(1, 4)
})

test('the k-th smallest is what sorting gives, with equal values too', () => {
  const value = fc.oneof(fc.integer({ min: 0, max: 3 }), fc.float({ noNaN: true }))
  fc.assert(
    fc.property(fc.array(value, { minLength: 1, maxLength: 60 }), fc.nat(), (values, at) => {
      const k = at % values.length
      const expected = Float32Array.from(values).toSorted()[k]!
      expect(kthSmallest(Float32Array.from(values), k) === expected).toBe(true)
    }),
  )
})

describe('noise', () => {
  it('is measured as loud as it was made', () => {
    for (const decibels of [0, 5, 10]) {
      const samples = inNoise(decibels)
      const power = melPower(samples, 80)
      const measured = signalToNoise(power, samples.length, steadyNoise(power, samples.length))
      // The voice fills two thirds of the recording, and the mel bands weigh low frequencies more, where voices are.
      expect(measured - decibels).toBeGreaterThan(-2)
      expect(measured - decibels).toBeLessThan(9)
    }
  })

  it('goes down where it is alone, and the voice stays', () => {
    const samples = inNoise(5)
    const power = melPower(samples, 80)
    const left = suppressNoise(power, steadyNoise(power, samples.length))
    const share = (from: number, to: number) => {
      let [before, after] = [0, 0]
      for (let at = 0; at < power.data.length; at++) {
        const frame = at % power.frames
        if (frame < from || frame >= to) continue
        before += power.data[at]!
        after += left.data[at]!
      }
      return after / before
    }
    expect(share(10, 90)).toBeLessThan(0.1)
    expect(share(100, power.frames)).toBeGreaterThan(0.8)
  })

  it('brings the voice nearer to what it was without it', () => {
    const samples = inNoise(5, 0)
    const clean = logMelSpectrogram(speech, 80).data
    const distance = (data: Float32Array) =>
      Math.sqrt(data.reduce((sum, value, at) => sum + (value - clean[at]!) ** 2, 0))
    const quieter = quieterMel(melPower(samples, 80), samples.length)!
    expect(distance(quieter.data)).toBeLessThan(0.8 * distance(logMelSpectrogram(samples, 80).data))
  })
})

it('leaves a recording alone that has none', () => {
  const samples = new Float32Array(speech.length + 16_000)
  samples.set(speech, 8000)
  expect(quieterMel(melPower(samples, 80), samples.length)).toBeNull()
})

test('nothing becomes louder, whatever it is', () => {
  fc.assert(
    fc.property(
      fc.array(fc.float({ min: 0, max: 1e6, noNaN: true }), { minLength: 1, maxLength: 60 }),
      powers => {
        const power = { data: Float32Array.from(powers), frames: powers.length, loudest: Math.max(...powers) }
        const left = suppressNoise(power, steadyNoise(power, 160 * powers.length))
        for (const [at, value] of left.data.entries()) {
          expect(value).toBeGreaterThanOrEqual(0)
          expect(value).toBeLessThanOrEqual(power.data[at]!)
        }
      },
    ),
  )
})
