/**
 * Band-limited resampling to 16 kHz: a polyphase filter whose taps are a Kaiser-windowed sinc (Smith, "Digital Audio
 * Resampling Home Page"). The rates' ratio is taken as the fraction up/down, so that time never drifts: output k
 * lies exactly at input time k * down / up. What passes is everything below 91 % of the lower Nyquist frequency
 * (7.28 kHz of 8 kHz); what lies above Nyquist, and would fold back, is 70 dB down.
 */
import { SAMPLE_RATE_HZ } from './constants.ts'

/** Where the pass band ends, as a fraction of the lower of the two Nyquist frequencies; the stop band starts at 1. */
const PASS_BAND = 0.91
/** Attenuation of the stop band, dB. */
const ATTENUATION_DB = 70
/** Kaiser's formulas: the window's shape for an attenuation, and the length for a width of transition. */
const KAISER_BETA = 0.1102 * (ATTENUATION_DB - 8.7)
const KAISER_LENGTH = (ATTENUATION_DB - 7.95) / 2.285
/** Up to so many phases the filter bank is exact; above (odd rates), it is interpolated between this many. */
const MAX_EXACT_PHASES = 1024

/** Rates that can be resampled, Hz: those that recorders write, and some room. */
export const MIN_SOURCE_RATE_HZ = 1_000
export const MAX_SOURCE_RATE_HZ = 384_000

interface FilterBank {
  phases: number
  /** Taps of one phase, a multiple of 4. */
  taps: number
  /** [phases + 1, taps] f64; row p holds the taps for an output p / phases of a sample after its input sample. */
  coefficients: Float64Array
}

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
  readonly #bank: FilterBank | null
  /** Inputs still needed, the first of them at absolute index `#start`; the taps' reach of zeros lies before input 0. */
  #buffer = new Float64Array(0)
  #buffered = 0
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
    this.#bank = this.#up === this.#down ? null : filterBank(this.#up, this.#down)
    if (this.#bank) this.#prepend(this.#bank.taps / 2 - 1)
  }

  /**
   * Takes the next piece of the signal.
   * @param samples [n] f32 at the source rate
   * @returns what can be computed so far, [m] f32 at the target rate; never a view of `samples`
   */
  push(samples: Float32Array): Float32Array {
    this.#received += samples.length
    if (!this.#bank) return samples.slice()
    this.#append(samples.length)
    this.#buffer.set(samples, this.#buffered - samples.length)
    return this.#produce(this.#bank, Number.POSITIVE_INFINITY)
  }

  /** The rest of the signal, [m] f32. The resampler takes no more after it. */
  flush(): Float32Array {
    if (!this.#bank) return new Float32Array(0)
    const total = Math.ceil((this.#received * this.#up) / this.#down)
    this.#append(this.#bank.taps / 2)
    return this.#produce(this.#bank, total)
  }

  #prepend(zeros: number): void {
    this.#append(zeros)
    this.#start = -zeros
  }

  /** Makes room for `count` more inputs, zero until they are written. */
  #append(count: number): void {
    const needed = this.#buffered + count
    if (needed > this.#buffer.length) {
      const grown = new Float64Array(Math.max(needed, 2 * this.#buffer.length))
      grown.set(this.#buffer.subarray(0, this.#buffered))
      this.#buffer = grown
    }
    this.#buffer.fill(0, this.#buffered, needed)
    this.#buffered = needed
  }

  /** All outputs up to index `limit` whose taps lie within the buffer. */
  #produce(bank: FilterBank, limit: number): Float32Array {
    const up = this.#up
    const down = this.#down
    const { taps, phases, coefficients } = bank
    const exact = phases === up
    const reach = taps / 2
    const buffer = this.#buffer
    // Output k needs inputs floor(k down / up) - reach + 1 .. + reach; the last input is start + buffered - 1.
    const lastInput = this.#start + this.#buffered - 1 - reach
    const end = Math.min(limit, lastInput < 0 ? 0 : Math.floor(((lastInput + 1) * up - 1) / down) + 1)
    const outputs = new Float32Array(Math.max(0, end - this.#produced))
    for (let i = 0; i < outputs.length; i++) {
      const time = (this.#produced + i) * down
      const input = Math.floor(time / up)
      const first = input - reach + 1 - this.#start
      const position = exact ? time - input * up : ((time - input * up) * phases) / up
      const phase = Math.floor(position)
      const sum = dot(buffer, first, coefficients, phase * taps, taps)
      const fraction = position - phase
      outputs[i] =
        fraction === 0
          ? sum
          : sum + fraction * (dot(buffer, first, coefficients, (phase + 1) * taps, taps) - sum)
    }
    this.#produced += outputs.length

    const firstNeeded = Math.floor((this.#produced * down) / up) - reach + 1
    const dropped = Math.min(this.#buffered, Math.max(0, firstNeeded - this.#start))
    buffer.copyWithin(0, dropped, this.#buffered)
    this.#buffered -= dropped
    this.#start += dropped
    return outputs
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
  const body = resampler.push(samples)
  const tail = resampler.flush()
  if (tail.length === 0) return body
  const whole = new Float32Array(body.length + tail.length)
  whole.set(body)
  whole.set(tail, body.length)
  return whole
}

/** Inner product of `length` values, a multiple of 4; four sums, so that additions need not wait for each other. */
function dot(a: Float64Array, atA: number, b: Float64Array, atB: number, length: number): number {
  let sum0 = 0
  let sum1 = 0
  let sum2 = 0
  let sum3 = 0
  for (let i = 0; i < length; i += 4) {
    sum0 += a[atA + i]! * b[atB + i]!
    sum1 += a[atA + i + 1]! * b[atB + i + 1]!
    sum2 += a[atA + i + 2]! * b[atB + i + 2]!
    sum3 += a[atA + i + 3]! * b[atB + i + 3]!
  }
  return sum0 + sum1 + (sum2 + sum3)
}

/** Banks by `up/down`; the few rates of the world come again and again. */
const bankCache = new Map<string, FilterBank>()
const MAX_CACHED_BANKS = 16

function filterBank(up: number, down: number): FilterBank {
  const key = `${up}/${down}`
  const cached = bankCache.get(key)
  if (cached) return cached
  const bank = computeFilterBank(up, down)
  if (bankCache.size >= MAX_CACHED_BANKS) bankCache.delete(bankCache.keys().next().value!)
  bankCache.set(key, bank)
  return bank
}

function computeFilterBank(up: number, down: number): FilterBank {
  // The lower Nyquist frequency, in half cycles a sample of the input.
  const nyquist = Math.min(1, up / down)
  const cutoff = (nyquist * (1 + PASS_BAND)) / 2
  const halfWidth = KAISER_LENGTH / (Math.PI * nyquist * (1 - PASS_BAND)) / 2
  const taps = 4 * Math.ceil((2 * halfWidth) / 4)
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
  for (let i = 0; i < coefficients.length; i++) coefficients[i]! *= gain
  return { phases, taps, coefficients }
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
