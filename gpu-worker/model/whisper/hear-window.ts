/**
 * One window heard: searched for, checked, and where it fails the checks tried again: on the full 30 s window that
 * Whisper was trained on, then at rising temperatures. In noise it is heard once more without it, and what the model
 * believes more is kept. Source: openai/whisper `transcribe.py`, `decode_with_fallback`.
 */
import { deflateSync } from 'node:zlib'
import {
  logarithmOf,
  logMelSpectrogram,
  type MelPower,
  type MelSpectrogram,
  melPower,
} from '../../audio/mel.ts'
import { quieterMel } from '../../audio/suppress-noise.ts'
import type { TakeTurn } from '../../encode/encode-queue.ts'
import { seededRandom } from '../../sampling/random.ts'
import type { FoundTranscript } from '../../speech/search.ts'
import type { TokenRules } from '../../speech/token-rules.ts'
import type { WordScorer } from '../../speech/word-scorer.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { WhisperDecoder } from './decoder.ts'
import type { EncodedSpeech, WhisperEncoder } from './encoder.ts'
import type { Recognizer } from './recognizer.ts'

/** How a window is to be heard. */
export interface HearOptions {
  readonly rules: TokenRules
  readonly withTimestamps: boolean
  /** Ids of text that went before. */
  readonly previous: readonly number[]
  readonly beamSize: number
  /** Null: Whisper's ladder. */
  readonly temperature: number | null
  readonly scorer: WordScorer | null
  readonly tenant: string
  readonly signal: AbortSignal
  /** The encoder is shared: windows take turns. */
  readonly turn: TakeTurn
}

/** What was heard in a window. */
export interface HeardTranscript {
  /** To be recycled. */
  readonly encoded: EncodedSpeech
  readonly temperature: number
  readonly text: string
  readonly transcripts: readonly FoundTranscript[]
  readonly avgLogprob: number
  readonly compressionRatio: number
  readonly noSpeechProbability: number
  /** Whether these are words, by the pack's gate. */
  readonly isSpeech: boolean
}

export interface Ears {
  readonly encoder: WhisperEncoder
  readonly decoder: WhisperDecoder
  readonly recognizer: Recognizer
  readonly tokenizer: Tokenizer
  readonly manifest: WhisperManifest
}

/** Whisper's own window. */
const FULL_WINDOW_SAMPLES = 480_000
/** Silence behind a window's samples: what the short windows were distilled with. */
export const TAIL_SAMPLES = 3200
/** Transcripts that deflate shrinks more than this repeat themselves. */
export const MAX_COMPRESSION_RATIO = 2.4
/** Below this the model doesn't believe itself. */
const MIN_AVERAGE_LOGPROB = -1
/** Samples drawn at a temperature; the likeliest is taken. */
const BEST_OF = 5
/** Longest transcript of a window, tokens: half of the decoder's positions. */
const MAX_TOKENS = 224
const SEED = 1

/** Temperatures: the first on the real frames, then each of them on the full window. */
const LADDER = [0, 0.2, 0.4, 0.6, 0.8, 1] as const

/**
 * @param samples one window, 16 kHz mono, at most 30 s less the tail
 * @returns the first transcript that passes, or the last one; null when nobody could hear anything in it
 */
export async function hearTranscript(
  samples: Float32Array,
  ears: Ears,
  options: HearOptions,
): Promise<HeardTranscript | null> {
  const { encoder, manifest } = ears
  if (loudestRms(samples) < manifest.gate.min_rms) return null
  const temperatures = options.temperature === null ? LADDER : ([options.temperature] as const)
  // What is heavy is computed in the window's turn, and not for windows that wait for theirs.
  const encode = (mel: () => MelSpectrogram) => options.turn(() => encoder.encode(mel(), options.signal))
  const hear = async (mel: () => MelSpectrogram) =>
    hearOnce(await encode(mel), temperatures[0], ears, options)

  let known: MelPower | null = null
  const power = () => (known ??= melPower(padded(samples, samples.length + TAIL_SAMPLES), encoder.melBins))
  let heard = await hear(() => logarithmOf(power()))
  const quieter = heard.text.trim() === '' ? null : quieterMel(power(), samples.length)
  if (quieter !== null) {
    const again = await hear(() => quieter)
    const [kept, other] = isSurer(again, heard) ? [again, heard] : [heard, again]
    encoder.recycle(other.encoded)
    heard = kept
  }
  if (isGood(heard)) return heard

  encoder.recycle(heard.encoded)
  const full = await encode(() => logMelSpectrogram(padded(samples, FULL_WINDOW_SAMPLES), encoder.melBins))
  for (const temperature of temperatures) {
    heard = await hearOnce(full, temperature, ears, options)
    if (isGood(heard)) break
  }
  return heard
}

/** Whether the recognizer believes it more than another; never what goes round in circles or is nothing. */
function isSurer(heard: HeardTranscript, other: HeardTranscript): boolean {
  if (isLoop(heard) || heard.text.trim() === '') return false
  return isLoop(other) || heard.avgLogprob > other.avgLogprob
}

/** Root mean square of the loudest half second (full scale 1). */
export function loudestRms(samples: Float32Array, blockSamples = 8000): number {
  let loudest = 0
  for (let start = 0; start < samples.length; start += blockSamples) {
    const end = Math.min(samples.length, start + blockSamples)
    let sum = 0
    for (let at = start; at < end; at++) sum += samples[at]! * samples[at]!
    loudest = Math.max(loudest, sum / (end - start))
  }
  return Math.sqrt(loudest)
}

/** How often a text repeats itself: its size over that of its deflated form. Source: openai/whisper `utils.py`. */
export function compressionRatio(text: string): number {
  const bytes = Buffer.from(text)
  return bytes.length === 0 ? 0 : bytes.length / deflateSync(bytes).length
}

async function hearOnce(
  speech: EncodedSpeech,
  temperature: number,
  { recognizer, tokenizer, manifest }: Ears,
  options: HearOptions,
): Promise<HeardTranscript> {
  const endOfText = manifest.tokens.end_of_text
  const { noSpeechProbability, transcripts } = await recognizer.recognize({
    speech,
    previous: options.previous,
    withTimestamps: options.withTimestamps,
    search: {
      rules: options.rules,
      endOfText,
      maxTokens: Math.min(MAX_TOKENS, manifest.decoder.max_positions - options.previous.length - 4),
      width: temperature === 0 ? options.beamSize : BEST_OF,
      temperature,
      random: seededRandom(SEED),
      scorer: options.scorer,
      alternatives: 0,
    },
    tenant: options.tenant,
    signal: options.signal,
  })
  const best = transcripts[0]!
  const text = tokenizer.decode(best.tokens.filter(id => id < endOfText))
  return {
    encoded: speech,
    temperature,
    text,
    transcripts,
    avgLogprob: best.acoustic / (best.tokens.length + 1),
    compressionRatio: compressionRatio(text),
    noSpeechProbability,
    isSpeech: isSpeech(best, noSpeechProbability, text, manifest),
  }
}

/** Certain enough and no circle; or so surely no speech that trying again is in vain. */
function isGood(heard: HeardTranscript): boolean {
  if (!heard.isSpeech && !isLoop(heard)) return true
  return !isLoop(heard) && heard.avgLogprob >= MIN_AVERAGE_LOGPROB
}

function isLoop({ transcripts, compressionRatio }: HeardTranscript): boolean {
  return compressionRatio > MAX_COMPRESSION_RATIO || !transcripts[0]!.ended
}

/** By the thresholds that the pack measured, over the words alone: times are never certain. */
function isSpeech(
  { tokens, logprobs }: FoundTranscript,
  noSpeechProbability: number,
  text: string,
  { gate, tokens: { end_of_text } }: WhisperManifest,
): boolean {
  if (text.trim() === '') return false
  const words = logprobs.filter((_, index) => (tokens[index] ?? end_of_text) <= end_of_text)
  const mean = words.reduce((sum, logprob) => sum + logprob, 0) / words.length
  if (mean < gate.floor_mean_logprob) return false
  return !(noSpeechProbability > gate.max_no_speech_probability && mean < gate.min_mean_logprob)
}

/** The samples and silence behind them, [length] f32. */
export function padded(samples: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length)
  longer.set(samples)
  return longer
}
