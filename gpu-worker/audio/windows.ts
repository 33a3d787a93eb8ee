/** Cuts long audio into windows that the encoder takes, at quiet points, so that no word is cut in two. */
import { SAMPLE_RATE_HZ, WINDOW_SECONDS } from './constants.ts'

/** A range of samples: `start` is in it, `end` is not. */
export interface SampleRange {
  start: number
  end: number
}

/** How far before its longest end a window may be cut, seconds. */
const SEARCH_SECONDS = 5
/** Length over which loudness is measured, samples: 50 ms. */
const LOUDNESS_SAMPLES = SAMPLE_RATE_HZ / 20
/** Distance between the places looked at, samples: 5 ms. */
const STEP_SAMPLES = SAMPLE_RATE_HZ / 200

/**
 * Cuts audio into windows of at most `maxSeconds`, each (but the last) at the quietest 50 ms of its last five
 * seconds. The windows follow one another, do not overlap, and cover everything; no samples make no windows.
 * @param samples mono f32 at 16 kHz
 * @param maxSeconds longest window, seconds; above 0
 */
export function splitWindows(samples: Float32Array, maxSeconds = WINDOW_SECONDS): SampleRange[] {
  const longest = Math.floor(maxSeconds * SAMPLE_RATE_HZ)
  if (!(longest >= 1)) throw new RangeError(`A window of ${maxSeconds} seconds holds no samples.`)
  const windows: SampleRange[] = []
  let start = 0
  while (samples.length - start > longest) {
    const end = quietestCut(samples, start, start + longest)
    windows.push({ start, end })
    start = end
  }
  if (start < samples.length) windows.push({ start, end: samples.length })
  return windows
}

/** The middle of the quietest stretch of the last five seconds of [start, end); the latest of equally quiet ones. */
function quietestCut(samples: Float32Array, start: number, end: number): number {
  const from = Math.max(start, end - SEARCH_SECONDS * SAMPLE_RATE_HZ)
  let quietest = Number.POSITIVE_INFINITY
  let cut = end
  for (let at = from; at + LOUDNESS_SAMPLES <= end; at += STEP_SAMPLES) {
    let energy = 0
    for (let i = at; i < at + LOUDNESS_SAMPLES; i++) energy += samples[i]! * samples[i]!
    if (energy <= quietest) {
      quietest = energy
      cut = at + LOUDNESS_SAMPLES / 2
    }
  }
  return cut
}
