/**
 * Steady noise taken out of a mel spectrogram: each band and frame keeps the amplitude that speech most likely has in it, by
 * the error of its logarithm (Ephraim and Malah 1985, Speech enhancement using a minimum mean-square error log-spectral
 * amplitude estimator). What the noise's power is, the quietest frames of each band tell.
 */
import { HOP_SAMPLES } from './constants.ts'
import { logarithmOf, type MelPower, type MelSpectrogram } from './mel.ts'

/** Share of the frames that hold noise alone, even where somebody speaks all the time. */
const QUIETEST = 0.15
/** The mean of noise over that quantile of what was smoothed. */
const MEAN_OVER_QUANTILE = 1.2
/** Of the frame before, in the smoothed power that the quantile is taken of ... */
const SMOOTHING = 0.7
/** ... whose first frames have not settled. */
const UNSETTLED_FRAMES = 4
/** Of the frame before, in what is thought of the speech in this one ("decision-directed"). */
const MEMORY = 0.9
/** Amplitude that is left of noise alone: what is cut out altogether is heard as something new. */
const MIN_GAIN = 0.18
const MIN_SPEECH_TO_NOISE = 1e-3
/** Below any recording's noise; digital silence has none. */
const MIN_POWER = 1e-12

/** Noise that is further below the rest isn't in the way of words, and what is left without it is heard no better. */
const NOISY_DECIBELS = 14

/**
 * The log-mel spectrogram of a recording without its steady noise; null where there is little of it.
 * @param power [bins, frames] f32
 * @param samples of the recording; frames behind them are silence that was put there
 */
export function quieterMel(power: MelPower, samples: number): MelSpectrogram | null {
  const noise = steadyNoise(power, samples)
  if (signalToNoise(power, samples, noise) > NOISY_DECIBELS) return null
  return logarithmOf(suppressNoise(power, noise))
}

/**
 * The power of the noise that is there all the time: [bins].
 * @see quieterMel
 */
export function steadyNoise(power: MelPower, samples: number): Float32Array {
  const recorded = recordedFrames(power, samples)
  const quiet = bandsOf(power).map(band => MEAN_OVER_QUANTILE * quietPower(band.subarray(0, recorded)))
  return Float32Array.from(quiet, (power, band) =>
    Math.max(MIN_POWER, median(quiet[band - 1] ?? power, power, quiet[band + 1] ?? power)),
  )
}

/** How many decibels the rest of the recording is above its noise. */
export function signalToNoise(power: MelPower, samples: number, noise: Float32Array): number {
  const recorded = recordedFrames(power, samples)
  const whole = bandsOf(power).reduce((sum, band) => sum + total(band.subarray(0, recorded)), 0) / recorded
  return 10 * Math.log10(Math.max(1e-9, whole / total(noise) - 1))
}

/** The power that is left without the noise: [bins, frames] f32. */
export function suppressNoise(power: MelPower, noise: Float32Array): MelPower {
  const left = { ...power, data: new Float32Array(power.data.length) }
  const bands = bandsOf(left)
  for (const [index, band] of bandsOf(power).entries()) suppressInBand(band, noise[index]!, bands[index]!)
  return left
}

function suppressInBand(band: Float32Array, noise: number, left: Float32Array): void {
  let speechBefore = 1
  for (let frame = 0; frame < band.length; frame++) {
    const posterior = band[frame]! / noise
    const prior = Math.max(
      MIN_SPEECH_TO_NOISE,
      MEMORY * speechBefore + (1 - MEMORY) * Math.max(0, posterior - 1),
    )
    const wiener = prior / (1 + prior)
    const likely = wiener * Math.exp(0.5 * exponentialIntegral(Math.max(1e-8, wiener * posterior)))
    const gain = Math.min(1, likely)
    speechBefore = gain ** 2 * posterior
    left[frame] = band[frame]! * Math.max(MIN_GAIN, gain) ** 2
  }
}

/** A low quantile of the power over time, smoothed first. */
function quietPower(band: Float32Array): number {
  const settling = new Float32Array(band.length)
  let smoothed = band[0] ?? 0
  for (let frame = 0; frame < band.length; frame++) {
    smoothed = SMOOTHING * smoothed + (1 - SMOOTHING) * band[frame]!
    settling[frame] = smoothed
  }
  const settled = settling.subarray(band.length > 5 * UNSETTLED_FRAMES ? UNSETTLED_FRAMES : 0)
  return kthSmallest(settled, Math.round(QUIETEST * (settled.length - 1))) ?? 0
}

/** What would stand at `k` if the values were sorted; moves them. Sorting all takes as long as the whole spectrogram (Hoare, 1961). */
export function kthSmallest(values: Float32Array, k: number): number | undefined {
  let [first, last] = [0, values.length - 1]
  while (first < last) {
    const pivot = values[k]!
    let [low, high] = [first, last]
    while (low <= high) {
      while (values[low]! < pivot) low++
      while (values[high]! > pivot) high--
      if (low > high) break
      const value = values[low]!
      values[low++] = values[high]!
      values[high--] = value
    }
    if (high < k) first = low
    if (low > k) last = high
  }
  return values[k]
}

/** Of E1(x) + ln x for x up to 1, and of x e^x E1(x) beyond: coefficients of x to the power 0, 1, 2 ... */
const SERIES = [-0.57721566, 0.99999193, -0.24991055, 0.05519968, -0.00976004, 0.00107857] as const
const NUMERATOR = [0.2677737343, 8.6347608925, 18.059016973, 8.5733287401, 1] as const
const DENOMINATOR = [3.9584969228, 21.0996530827, 25.6329561486, 9.5733223454, 1] as const

/**
 * E1(x), the integral of exp(-t) / t from x on, for x > 0; to 2e-7 (Abramowitz and Stegun 1964, 5.1.53 and 5.1.56).
 */
export function exponentialIntegral(x: number): number {
  if (x <= 1) return polynomial(SERIES, x) - Math.log(x)
  return (Math.exp(-x) * polynomial(NUMERATOR, x)) / (x * polynomial(DENOMINATOR, x))
}

/** @param coefficients of x to the power 0, 1, 2 ... */
function polynomial(coefficients: readonly number[], x: number): number {
  let sum = 0
  for (let power = coefficients.length - 1; power >= 0; power--) sum = sum * x + coefficients[power]!
  return sum
}

function bandsOf({ data, frames }: MelPower): Float32Array[] {
  return Array.from({ length: data.length / frames }, (_, band) =>
    data.subarray(band * frames, (band + 1) * frames),
  )
}

function recordedFrames({ frames }: MelPower, samples: number): number {
  return Math.max(1, Math.min(frames, Math.floor(samples / HOP_SAMPLES)))
}

function total(values: Float32Array): number {
  return values.reduce((sum, value) => sum + value, 0)
}

function median(a: number, b: number, c: number): number {
  return Math.max(Math.min(a, b), Math.min(Math.max(a, b), c))
}
