/** What the request path knows of a model that transcribes speech; one implementation an architecture. */
import type { LanguageModel } from '../../src/ngram/language-model.ts'
import type { TokenizerOptions } from '../../src/ngram/tokenizer.ts'

/** How one recording is to be transcribed. Times are in seconds, log-probabilities natural unless said. */
export interface TranscribeOptions {
  /** ISO 639-1, one of the model's `languages`; null lets the model tell (a model of one language knows). */
  readonly language: string | null
  /** Text that the recording might follow: names, spelling and style are taken from it. */
  readonly prompt: string | null
  /** Null: from 0, and up Whisper's ladder where a window's transcript fails its checks. Above 0 it is sampled. */
  readonly temperature: number | null
  /** Hypotheses kept while searching, at temperature 0; 1 is greedy. */
  readonly beamSize: number
  /**
   * Whether segments are to be sentences with times of their own: from the alignment of their words, or from Whisper's
   * own timestamps, which cost steps and accuracy (docs/log.md). False is fastest: a segment is then a whole window of
   * speech as voice activity detection cut it.
   */
  readonly segmentTimestamps: boolean | 'model'
  readonly wordTimestamps: boolean
  /** Whether segments carry a log-probability a token. */
  readonly logprobs: boolean
  /** Hypotheses given of each window, the best first; 1 gives the transcript alone. */
  readonly nBest: number
  /** Fused into the search at word borders: weight times the model's log-probability, and a bonus a word. */
  readonly languageModel: {
    readonly model: LanguageModel<unknown>
    /** How its text was cut into words. */
    readonly tokenizer: TokenizerOptions
    readonly weight: number
    /** Natural logarithm, added a word. */
    readonly wordBonus: number
  } | null
  /** Words and phrases that are likelier here than elsewhere. */
  readonly hotwords: readonly string[]
  /**
   * Voice activity detection; null takes everything for speech. `auto` detects only where there is more than one
   * window: shorter recordings are heard whole, and Whisper says itself where there is no speech.
   */
  readonly vad: VoiceActivityOptions | 'auto' | null
  /** Whose work it is: windows of several tenants take turns. */
  readonly tenant: string
  readonly signal: AbortSignal
}

/** When speech begins and ends, in the terms of OpenAI's `server_vad`. */
export interface VoiceActivityOptions {
  /** Probability of speech from which on it is speech, in (0, 1). */
  readonly threshold: number
  /** Pauses shorter than this don't end a stretch of speech. */
  readonly minSilenceMs: number
  /** Kept before and after each stretch of speech. */
  readonly speechPadMs: number
}

/** A word and when it was said, seconds from the start of the recording. */
export interface Word {
  /** As it stands in the text, its punctuation included, without surrounding spaces. */
  readonly word: string
  readonly start: number
  readonly end: number
  /** Mean probability of its tokens. */
  readonly probability: number
}

/** A token of the transcript and how sure the model was of it. */
export interface TranscriptToken {
  readonly id: number
  /** Its text; characters that span tokens are shown as replacement characters. */
  readonly token: string
  readonly bytes: readonly number[]
  /** Natural logarithm of its probability, the language model not counted. */
  readonly logprob: number
}

/** One guess at a window's words, and what its score is made of: score = acoustic + languageModel + length. */
export interface Hypothesis {
  readonly text: string
  /** Natural logarithm of the probability that the recognizer gives the tokens, their end included. */
  readonly acoustic: number
  /** log10 of the n-gram model's probability of the words, as in src/ngram; null without one. Not weighted. */
  readonly languageModel: number | null
  /** Word bonuses and boosts of hotwords, natural logarithm. */
  readonly length: number
  /** What was searched for: acoustic + weight · ln 10 · languageModel + length. */
  readonly score: number
}

/** A stretch of the recording and what was said in it; the fields of OpenAI's verbose_json under our names. */
export interface Segment {
  /** 0, 1, 2, ... in order of time. */
  readonly id: number
  /** Where the window that it was heard in begins, in frames of 10 ms. */
  readonly seek: number
  readonly start: number
  readonly end: number
  /** Begins with a space where a word begins: the texts of all segments, joined, are the transcript. */
  readonly text: string
  /** Ids in the recognizer's vocabulary. */
  readonly tokens: readonly number[]
  readonly temperature: number
  readonly avgLogprob: number
  readonly compressionRatio: number
  readonly noSpeechProbability: number
  /** Null unless asked for. */
  readonly words: readonly Word[] | null
  /** Null unless asked for. */
  readonly logprobs: readonly TranscriptToken[] | null
  /** Of the whole window, with its first segment; null with the others, and unless more than one was asked for. */
  readonly hypotheses: readonly Hypothesis[] | null
}

/** Segments as they are ready, in order; one end. */
export type TranscribeEvent =
  | { readonly type: 'segment'; readonly segment: Segment }
  | {
      readonly type: 'end'
      /** Of the whole recording. */
      readonly durationSeconds: number
      /** How much of it was taken for speech. */
      readonly speechSeconds: number
      readonly language: string
      /** True when no words were heard in all of it: silence, noise, music. */
      readonly noSpeech: boolean
      /** Where the times of segments come from: voice activity, Whisper's own timestamps, or alignment of the words. */
      readonly timestampSource: 'vad' | 'model' | 'align'
    }

/** A model that transcribes. */
export interface SpeechModel {
  readonly id: string
  /** ISO 639-1. */
  readonly languages: readonly string[]
  /** Whether it translates into English. */
  readonly canTranslate: boolean
  /**
   * Transcribes a recording of any length in bounded memory: reads ahead a few windows, no more.
   * @param samples pieces of 16 kHz mono, [n] f32 each, as they are decoded
   * @throws ApiError; the signal's reason when it is aborted
   */
  transcribe(samples: AsyncIterable<Float32Array>, options: TranscribeOptions): AsyncIterable<TranscribeEvent>
  close(): Promise<void>
}
