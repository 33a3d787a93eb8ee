/**
 * Band-limited resampling to 16 kHz: a polyphase filter whose taps are a Kaiser-windowed sinc (Smith, "Digital Audio
 * Resampling Home Page"). The rates' ratio is taken as the fraction up/down, so that time never drifts: output k
 * lies exactly at input time k * down / up. What passes is everything below 91 % of the lower Nyquist frequency
 * (7.28 kHz of 8 kHz); what lies above Nyquist, and would fold back, is 70 dB down.
 */
import { concatSamples } from './concat-samples.ts'
import { SAMPLE_RATE_HZ } from './constants.ts'
import { type LoadedBank, loadBank, releaseBank, runKernel } from './resample-kernel.ts'

/** Where the pass band ends, as a fraction of the lower of the two Nyquist frequencies; the stop band starts at 1. */
const PASS_BAND = 0.91
/** Attenuation of the stop band, dB. */
const ATTENUATION_DB = 70
/** Kaiser's formulas: the window's shape for an attenuation, and the length for a width of transition. */
const KAISER_BETA = 0.1102 * (ATTENUATION_DB - 8.7)
const KAISER_LENGTH = (ATTENUATION_DB - 7.95) / 2.285
/** Up to so many phases the filter bank is exact (11,025 Hz needs 640); above, it is interpolated between these. */
const MAX_EXACT_PHASES = 640
/** Inputs filtered at a time. */
const PIECE_SAMPLES = 65_536

/** Rates that can be resampled, Hz: those that recorders write, and some room. */
export const MIN_SOURCE_RATE_HZ = 1_000
export const MAX_SOURCE_RATE_HZ = 384_000

/**
 * Resamples a mono signal piece by piece, with bounded memory.
 * Outputs are the same however the input is cut; altogether there are ceil(inputs * up / down).
 * @example
 * const resampler = new Resampler(44_100)
 * const samples = [resampler.push(first), resampler.push(second), resampler.flush()]
 */
export class Resampler {
  readonly sourceRateHz: number
  readonly targetRateHz: number
  readonly #up: number
  readonly #down: number
  /** Inputs still needed, the first of them at absolute index `#start`. */
  #kept: Float32Array = new Float32Array(0)
  #start = 0
  #received = 0
  #produced = 0

  /** @throws RangeError for rates outside 1 to 384 kHz, or fractions of a hertz */
  constructor(sourceRateHz: number, targetRateHz = SAMPLE_RATE_HZ) {
    for (const rate of [sourceRateHz, targetRateHz])
      if (!Number.isInteger(rate) || rate < MIN_SOURCE_RATE_HZ || rate > MAX_SOURCE_RATE_HZ)
        throw new RangeError(`Sample rate ${rate} Hz is not between 1 kHz and 384 kHz.`)
    const common = greatestCommonDivisor(sourceRateHz, targetRateHz)
    this.sourceRateHz = sourceRateHz
    this.targetRateHz = targetRateHz
    this.#up = targetRateHz / common
    this.#down = sourceRateHz / common
    if (this.#up === this.#down) return
    // Before its first sample the signal is silent, as far as the taps of output 0 reach.
    this.#start = 1 - filterBank(this.#up, this.#down).taps / 2
    this.#kept = new Float32Array(-this.#start)
  }

  /**
   * Takes the next piece of the signal.
   * @param samples [n] f32 at the source rate
   * @returns what can be computed so far, [m] f32 at the target rate; never a view of `samples`
   */
  push(samples: Float32Array): Float32Array {
    this.#received += samples.length
    if (this.#up === this.#down) return samples.slice()
    const outputs: Float32Array[] = []
    for (let at = 0; at < samples.length; at += PIECE_SAMPLES)
      outputs.push(this.#filter(samples.subarray(at, at + PIECE_SAMPLES), Number.POSITIVE_INFINITY))
    return concatSamples(outputs)
  }

  /** The rest of the signal, [m] f32. The resampler takes no more after it. */
  flush(): Float32Array {
    if (this.#up === this.#down) return new Float32Array(0)
    const total = Math.ceil((this.#received * this.#up) / this.#down)
    return this.#filter(new Float32Array(filterBank(this.#up, this.#down).taps / 2), total)
  }

  /** All outputs up to index `limit` whose taps lie within what has come. */
  #filter(samples: Float32Array, limit: number): Float32Array {
    const up = this.#up
    const down = this.#down
    const bank = filterBank(up, down)
    const reach = bank.taps / 2
    const input = concatSamples([this.#kept, samples])
    // Output k takes the inputs floor(k down / up) - reach + 1 .. + reach.
    const lastSample = this.#start + input.length - 1 - reach
    const end = lastSample < 0 ? 0 : Math.min(limit, Math.floor(((lastSample + 1) * up - 1) / down) + 1)
    const count = Math.max(0, end - this.#produced)
    const time = this.#produced * down
    const sample = Math.floor(time / up)
    const first = { sample: sample - reach + 1 - this.#start, fraction: time - sample * up }
    const output = count > 0 ? runKernel(bank, input, first, up, down, count) : new Float32Array(0)

    this.#produced += count
    const firstNeeded = Math.floor((this.#produced * down) / up) - reach + 1
    const dropped = Math.min(input.length, Math.max(0, firstNeeded - this.#start))
    this.#kept = input.slice(dropped)
    this.#start += dropped
    return output
  }
}

/**
 * A whole mono signal at another rate.
 * @param samples [n] f32 at `sourceRateHz`
 * @returns [ceil(n * targetRateHz / sourceRateHz)] f32
 */
export function resample(
  samples: Float32Array,
  sourceRateHz: number,
  targetRateHz = SAMPLE_RATE_HZ,
): Float32Array {
  const resampler = new Resampler(sourceRateHz, targetRateHz)
  return concatSamples([resampler.push(samples), resampler.flush()])
}

/** Banks by `up/down`; the few rates of the world come again and again. Looked up at each use: they may be evicted. */
const bankCache = new Map<string, LoadedBank>()
const MAX_CACHED_BANKS = 16

function filterBank(up: number, down: number): LoadedBank {
  const key = `${up}/${down}`
  const cached = bankCache.get(key)
  if (cached) return cached
  const bank = computeFilterBank(up, down)
  const [oldest] = bankCache
  if (oldest && bankCache.size >= MAX_CACHED_BANKS) {
    bankCache.delete(oldest[0])
    releaseBank(oldest[1])
  }
  bankCache.set(key, bank)
  return bank
}

/** A bank [phases + 1, taps] f32: row p holds the taps for outputs p / phases of a sample behind their input. */
function computeFilterBank(up: number, down: number): LoadedBank {
  // The lower Nyquist frequency, in half cycles a sample of the input.
  const nyquist = Math.min(1, up / down)
  const cutoff = (nyquist * (1 + PASS_BAND)) / 2
  const halfWidth = KAISER_LENGTH / (Math.PI * nyquist * (1 - PASS_BAND)) / 2
  const taps = 16 * Math.ceil((2 * halfWidth) / 16)
  const phases = Math.min(up, MAX_EXACT_PHASES)
  const coefficients = new Float64Array((phases + 1) * taps)
  const windowScale = 1 / besselI0(KAISER_BETA)
  let total = 0
  for (let phase = 0; phase <= phases; phase++)
    for (let tap = 0; tap < taps; tap++) {
      const time = tap - taps / 2 + 1 - phase / phases
      const edge = 1 - (time / halfWidth) ** 2
      if (edge <= 0) continue
      const angle = Math.PI * cutoff * time
      const sinc = angle === 0 ? 1 : Math.sin(angle) / angle
      const value = cutoff * sinc * besselI0(KAISER_BETA * Math.sqrt(edge)) * windowScale
      coefficients[phase * taps + tap] = value
      if (phase < phases) total += value
    }
  const gain = phases / total
  return loadBank(
    Float32Array.from(coefficients, value => value * gain),
    phases,
    taps,
  )
}

/** Modified Bessel function of the first kind, order 0, by its power series. */
function besselI0(x: number): number {
  const quarter = (x * x) / 4
  let term = 1
  let sum = 1
  for (let k = 1; term > sum * 1e-17; k++) {
    term *= quarter / (k * k)
    sum += term
  }
  return sum
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b)
}
