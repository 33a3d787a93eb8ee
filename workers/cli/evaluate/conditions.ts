/** What happens to a recording on its way: noise, a telephone, another speed. Samples are mono at 16 kHz, [n] f32. */
import { resample } from '../../../gpu-worker/audio/resample.ts'
import { seededRandom } from '../../../gpu-worker/sampling/random.ts'

const RATE_HZ = 16_000
/** Of a telephone line. */
const BAND_HZ = [300, 3400] as const

/** By name; `clean` leaves a recording as it is. Another speed is another rate: higher and faster, lower and slower. */
export const conditions: Readonly<Record<string, (samples: Float32Array) => Float32Array>> = {
  clean: samples => samples,
  'noise 20 dB': samples => withNoise(samples, 20),
  'noise 10 dB': samples => withNoise(samples, 10),
  'noise 5 dB': samples => withNoise(samples, 5),
  'noise 0 dB': samples => withNoise(samples, 0),
  telephone: overTelephone,
  'speed 0.9': samples => resample(samples, RATE_HZ * 0.9),
  'speed 1.1': samples => resample(samples, RATE_HZ * 1.1),
}

/** White noise, so many decibels below the recording in the mean of its power. */
export function withNoise(samples: Float32Array, decibels: number): Float32Array {
  const random = seededRandom(samples.length)
  const power = samples.reduce((sum, sample) => sum + sample * sample, 0) / samples.length
  // Uniform in [-a, a] has the power a²/3.
  const amplitude = Math.sqrt((3 * power) / 10 ** (decibels / 10))
  return samples.map(sample => sample + amplitude * (2 * random() - 1))
}

/** 300 to 3,400 Hz in 8 bits by mu-law (ITU-T G.711). */
export function overTelephone(samples: Float32Array): Float32Array {
  const [low, high] = BAND_HZ
  const band = lowPass(highPass(samples, low), high)
  return band.map(sample => expand(Math.round(compress(sample) * 127) / 127))
}

const MU = 255
const compress = (sample: number) =>
  (Math.sign(sample) * Math.log1p(MU * Math.min(1, Math.abs(sample)))) / Math.log1p(MU)
const expand = (value: number) => (Math.sign(value) * ((1 + MU) ** Math.abs(value) - 1)) / MU

/** Fourth order, as two of second order one after the other (the audio EQ cookbook's). */
function lowPass(samples: Float32Array, cutHz: number): Float32Array {
  return [1, 2].reduce(filtered => biquad(filtered, cutHz, 'low'), samples)
}

function highPass(samples: Float32Array, cutHz: number): Float32Array {
  return [1, 2].reduce(filtered => biquad(filtered, cutHz, 'high'), samples)
}

function biquad(samples: Float32Array, cutHz: number, kind: 'low' | 'high'): Float32Array {
  const omega = (2 * Math.PI * cutHz) / RATE_HZ
  const [cos, alpha] = [Math.cos(omega), Math.sin(omega) / Math.SQRT2]
  const side = kind === 'low' ? 1 - cos : 1 + cos
  const [b0, b1] = [side / 2, kind === 'low' ? side : -side]
  const [a0, a1, a2] = [1 + alpha, -2 * cos, 1 - alpha]
  let [x1, x2, y1, y2] = [0, 0, 0, 0]
  return samples.map(x => {
    const y = (b0 * x + b1 * x1 + b0 * x2 - a1 * y1 - a2 * y2) / a0
    ;[x2, x1, y2, y1] = [x1, x, y1, y]
    return y
  })
}
