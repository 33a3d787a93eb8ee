/**
 * Log-mel spectrogram, equal to transformers' WhisperFeatureExtractor on the frames that hold audio.
 *
 * The extractor pads every recording to 30 s; only the columns of the real audio are computed here. What lies behind
 * the audio is silence, as in the extractor, and counts in the last frames and in the maximum that the dynamic range
 * hangs from.
 */
import {
  FFT_SAMPLES,
  FREQUENCY_BINS,
  HOP_SAMPLES,
  SAMPLE_RATE_HZ,
  SAMPLES_PER_POSITION,
  WINDOW_SAMPLES,
} from './constants.ts'
import { createFourierWorkspace, powerSpectraOfPair } from './fourier.ts'

/** Numbers of mel bins that Whisper models take: 128 since large-v3, and Qwen2-Audio; 80 before. */
export type MelBins = 80 | 128

export interface MelSpectrogram {
  /** [melBins, frames] f32, row by row */
  data: Float32Array
  /** Always even: two frames make one encoder position. */
  frames: number
}

/** Power below which the logarithm stops falling: -100 dB. */
const POWER_FLOOR = 1e-10
/** Decades below the loudest value that are kept: 80 dB. */
const DYNAMIC_RANGE_DECADES = 8

/**
 * The log-mel spectrogram of one window of audio.
 * @param samples mono f32 at 16 kHz in [-1, 1]; padded with silence to a multiple of 320 samples. Usually at most
 * 30 s; longer audio is taken as a whole, with one common maximum.
 * @param melBins rows of the result
 * @returns data [melBins, frames] f32, frames = 2 * ceil(samples / 320), 100 a second; zero frames for no samples
 */
export function logMelSpectrogram(samples: Float32Array, melBins: MelBins): MelSpectrogram {
  return logarithmOf(melPower(samples, melBins))
}

/** The same before the logarithm. */
export interface MelPower extends MelSpectrogram {
  /** The largest value, that of frames which aren't kept among them. */
  loudest: number
}

/** The power in each band and frame; @see logMelSpectrogram */
export function melPower(samples: Float32Array, melBins: MelBins): MelPower {
  const frames = 2 * Math.ceil(samples.length / SAMPLES_PER_POSITION)
  const data = new Float32Array(melBins * frames)
  if (frames === 0) return { data, frames, loudest: POWER_FLOOR }

  const padded = padForFrames(samples)
  // Frames that end past the audio still touch its last 200 samples: their power counts in the maximum.
  const totalFrames = Math.floor((padded.length - FFT_SAMPLES) / HOP_SAMPLES) + 1
  const filters = melFilters(melBins)
  const workspace = createFourierWorkspace()
  const powerA = new Float64Array(FREQUENCY_BINS)
  const powerB = new Float64Array(FREQUENCY_BINS)

  let loudest = POWER_FLOOR
  for (let frame = 0; frame < totalFrames; frame += 2) {
    const next = Math.min(frame + 1, totalFrames - 1)
    powerSpectraOfPair(workspace, padded, frame * HOP_SAMPLES, next * HOP_SAMPLES, hannWindow, powerA, powerB)
    loudest = Math.max(loudest, applyFilters(filters, powerA, data, frame, frames))
    loudest = Math.max(loudest, applyFilters(filters, powerB, data, next, frames))
  }
  return { data, frames, loudest }
}

/** In decades, 80 dB down from the loudest, and scaled as Whisper was trained to hear it. */
export function logarithmOf({ data, frames, loudest }: MelPower): MelSpectrogram {
  const lowest = Math.log10(loudest) - DYNAMIC_RANGE_DECADES
  const scaled = data.map(power => {
    const decades = Math.max(power > POWER_FLOOR ? Math.log(power) * Math.LOG10E : -10, lowest)
    return (decades + 4) / 4
  })
  return { data: scaled, frames }
}

/** The periodic Hann window, [400] f64: 0.5 - 0.5 cos(2 pi n / 400). */
const hannWindow = Float64Array.from(
  { length: FFT_SAMPLES },
  (_, n) => 0.5 - 0.5 * Math.cos((2 * Math.PI * n) / FFT_SAMPLES),
)

/**
 * The signal with half a window before it, reflected as the extractor does, and silence behind it, so that frame t
 * starts at sample 160 t. The extractor reflects at 30 s too, which is seen only by audio that reaches that far.
 */
function padForFrames(samples: Float32Array): Float32Array {
  const half = FFT_SAMPLES / 2
  const { length } = samples
  const border = Math.max(WINDOW_SAMPLES, Math.ceil(length / SAMPLES_PER_POSITION) * SAMPLES_PER_POSITION)
  // The last frame starts before the border, so that 30 s of audio have 3,000 frames and not 3,001.
  const lastFrame = Math.min(Math.floor((length + half - 1) / HOP_SAMPLES), border / HOP_SAMPLES - 1)
  const evenFrames = 2 * Math.ceil(length / SAMPLES_PER_POSITION)
  const padded = new Float32Array(Math.max(lastFrame, evenFrames - 1) * HOP_SAMPLES + FFT_SAMPLES)
  padded.set(samples, half)
  for (let i = 1; i <= half; i++) {
    padded[half - i] = i < length ? samples[i]! : 0
    const behind = half + border - 1 + i
    const reflected = border - 1 - i
    if (behind < padded.length && reflected < length) padded[behind] = samples[reflected]!
  }
  return padded
}

/** Triangular filters as runs of weights: filter m covers `weights[offset[m] .. offset[m + 1]]` from bin `first[m]`. */
interface MelFilters {
  bins: number
  first: Int32Array
  offset: Int32Array
  weights: Float64Array
}

/** Writes one column of mel power (none when it lies behind the last kept frame) and returns its largest value. */
function applyFilters(
  filters: MelFilters,
  power: Float64Array,
  data: Float32Array,
  frame: number,
  frames: number,
): number {
  const { bins, first, offset, weights } = filters
  let largest = 0
  for (let m = 0; m < bins; m++) {
    const end = offset[m + 1]!
    let sum = 0
    for (let w = offset[m]!, k = first[m]!; w < end; w++, k++) sum += weights[w]! * power[k]!
    if (sum > largest) largest = sum
    if (frame < frames) data[m * frames + frame] = sum
  }
  return largest
}

const filterCache = new Map<MelBins, MelFilters>()

/** Slaney's mel filters of area one, 0 to 8,000 Hz (librosa.filters.mel, norm='slaney', htk=False). */
function melFilters(bins: MelBins): MelFilters {
  const cached = filterCache.get(bins)
  if (cached) return cached
  const top = hertzToMel(SAMPLE_RATE_HZ / 2)
  const edges = Array.from({ length: bins + 2 }, (_, i) => melToHertz((top * i) / (bins + 1)))
  const first = new Int32Array(bins)
  const offset = new Int32Array(bins + 1)
  const weights: number[] = []
  for (let m = 0; m < bins; m++) {
    const [lower, centre, upper] = [edges[m]!, edges[m + 1]!, edges[m + 2]!]
    for (let k = 0; k < FREQUENCY_BINS; k++) {
      const hertz = (k * SAMPLE_RATE_HZ) / FFT_SAMPLES
      const rising = (hertz - lower) / (centre - lower)
      const falling = (upper - hertz) / (upper - centre)
      const weight = Math.min(rising, falling)
      if (weight <= 0) continue
      if (weights.length === offset[m]) first[m] = k
      weights.push((weight * 2) / (upper - lower))
    }
    offset[m + 1] = weights.length
  }
  const filters = { bins, first, offset, weights: Float64Array.from(weights) }
  filterCache.set(bins, filters)
  return filters
}

/** Slaney's scale: linear to 1,000 Hz (15 mel), then 27 steps for every factor of 6.4. */
const MEL_PER_HERTZ = 3 / 200
const LOG_START_HERTZ = 1000
const LOG_START_MEL = LOG_START_HERTZ * MEL_PER_HERTZ
const MEL_PER_LOG = 27 / Math.log(6.4)

function hertzToMel(hertz: number): number {
  if (hertz < LOG_START_HERTZ) return hertz * MEL_PER_HERTZ
  return LOG_START_MEL + Math.log(hertz / LOG_START_HERTZ) * MEL_PER_LOG
}

function melToHertz(mel: number): number {
  if (mel < LOG_START_MEL) return mel / MEL_PER_HERTZ
  return LOG_START_HERTZ * Math.exp((mel - LOG_START_MEL) / MEL_PER_LOG)
}
