/**
 * Probabilities of speech as stretches of it. Source: snakers4/silero-vad, `get_speech_timestamps`: two thresholds,
 * so that it doesn't flicker; short pauses don't end a stretch, short noises don't begin one.
 */
import { SAMPLE_RATE_HZ } from '../audio/constants.ts'
import type { SampleRange } from '../audio/windows.ts'
import type { VoiceActivityOptions } from '../model/speech-model.ts'

/** How far below the threshold the probability must fall for speech to end. */
const HYSTERESIS = 0.15
/** Shorter ones are clicks. */
const MIN_SPEECH_MS = 250
/** How far back a stretch that is too long is cut, at its least probable frame. */
const CUT_SEARCH_SAMPLES = 5 * SAMPLE_RATE_HZ

/** Takes probabilities as they come, gives each stretch once it is known. */
export class SpeechStretches {
  readonly #options: VoiceActivityOptions
  readonly #frameSamples: number
  readonly #longest: number
  /** Of the stretch under way: its first sample, and where it may be over. */
  #start: number | null = null
  #silentSince: number | null = null
  #position = 0
  /** Probabilities of the last frames, for the cut. */
  #recent: { at: number; probability: number }[] = []
  /** End of the stretch before, padding included. */
  #lastEnd = 0

  /** @param maxSamples longest stretch, padding included */
  constructor(options: VoiceActivityOptions, frameSamples: number, maxSamples: number) {
    this.#options = options
    this.#frameSamples = frameSamples
    this.#longest = maxSamples - 2 * this.#samples(options.speechPadMs)
  }

  /** First sample that may still belong to a stretch: all before can be let go of. */
  get needed(): number {
    return Math.max(this.#lastEnd, (this.#start ?? this.#position) - this.#samples(this.#options.speechPadMs))
  }

  push(probabilities: Float32Array): SampleRange[] {
    const found: SampleRange[] = []
    const { threshold, minSilenceMs } = this.#options
    for (const probability of probabilities) {
      const at = this.#position
      this.#position += this.#frameSamples
      if (this.#start === null) {
        if (probability < threshold) continue
        this.#start = at
      }
      if (probability >= threshold) this.#silentSince = null
      else if (probability < Math.max(0.01, threshold - HYSTERESIS)) this.#silentSince ??= at
      this.#recent.push({ at, probability })
      if (this.#silentSince !== null && this.#position - this.#silentSince >= this.#samples(minSilenceMs)) {
        found.push(...this.#close(this.#silentSince))
        this.#start = null
      } else if (this.#position - this.#start >= this.#longest) {
        const cut = this.#cut()
        found.push(...this.#close(cut))
        this.#start = cut
      }
    }
    return found
  }

  /** @param end of the recording, samples */
  finish(end: number): SampleRange[] {
    if (this.#start === null) return []
    const found = this.#close(this.#silentSince ?? end)
    this.#start = null
    return found.map(range => ({ start: range.start, end: Math.min(end, range.end) }))
  }

  #close(end: number): SampleRange[] {
    const start = this.#start!
    this.#silentSince = null
    this.#recent = []
    if (end - start < this.#samples(MIN_SPEECH_MS)) return []
    const pad = this.#samples(this.#options.speechPadMs)
    const range = { start: Math.max(this.#lastEnd, start - pad), end: end + pad }
    this.#lastEnd = range.end
    return [range]
  }

  /** The least probable frame of the last seconds. */
  #cut(): number {
    const from = this.#position - CUT_SEARCH_SAMPLES
    const last = this.#recent.filter(({ at }) => at >= from)
    return last.reduce((least, frame) => (frame.probability <= least.probability ? frame : least)).at
  }

  #samples(milliseconds: number): number {
    return Math.round((milliseconds * SAMPLE_RATE_HZ) / 1000)
  }
}
