/**
 * `POST /v1/audio/transcriptions` and `/translations`: the request's fields, the answers, and the events of a streamed
 * answer. OpenAI's wire format; what is ours beyond it says so.
 */
import * as z from 'zod'
import { maxBeamSize } from './limits.ts'
import { Hotwords, ngramFields, ScoreParts } from './rescore.ts'

/** OpenAI's formats; `diarized_json` is refused. */
export const TranscriptFormat = z.enum(['json', 'text', 'srt', 'verbose_json', 'vtt'])
export type TranscriptFormat = z.infer<typeof TranscriptFormat>

/** OpenAI's voice activity detection with its numbers. */
export const ServerVad = z.strictObject({
  type: z.literal('server_vad'),
  /** Probability of speech from which on it is speech. */
  threshold: z.number().gt(0).lt(1).optional(),
  /** Pauses shorter than this don't end a stretch of speech. */
  silence_duration_ms: z.int().min(0).max(10_000).optional(),
  /** Kept before each stretch of speech. */
  prefix_padding_ms: z.int().min(0).max(10_000).optional(),
})
export type ServerVad = z.infer<typeof ServerVad>

const common = {
  model: z.string().min(1).max(256),
  /** Text that the recording might follow: names, spelling and style are taken from it. */
  prompt: z.string().max(16_384).optional(),
  response_format: TranscriptFormat.optional(),
  /** 0 is greedy or a beam, and Whisper's ladder where a window's transcript fails its checks. */
  temperature: z.number().min(0).max(1).optional(),
  /** Ours: the id of an uploaded file, in the place of `file`. */
  file_id: z.string().optional(),
}

/** The fields of a transcription, beside its `file`. `parseTranscriptionForm` also explains what is refused. */
export const TranscriptionRequest = z.strictObject({
  ...common,
  /** ISO 639-1. */
  language: z
    .string()
    .regex(/^[a-z]{2,3}$/, 'expected a code of ISO 639-1, such as en')
    .optional(),
  timestamp_granularities: z
    .array(z.enum(['word', 'segment']))
    .min(1)
    .max(2)
    .optional(),
  stream: z.boolean().optional(),
  include: z
    .array(z.enum(['logprobs']))
    .max(1)
    .optional(),
  /** `none` is ours: everything is taken for speech. */
  chunking_strategy: z.union([z.enum(['auto', 'none']), ServerVad]).optional(),
  /** Words and phrases that are likely here; the same as `hotwords`. */
  keywords: Hotwords.optional(),

  // Ours.
  n_best: z.int().min(1).max(maxBeamSize).optional(),
  beam_size: z.int().min(1).max(maxBeamSize).optional(),
  ...ngramFields,
})
export type TranscriptionRequest = z.infer<typeof TranscriptionRequest>

/** The fields of a translation into English, beside its `file`. */
export const TranslationRequest = z.strictObject(common)
export type TranslationRequest = z.infer<typeof TranslationRequest>

/** A token of a transcript and its log-probability (natural). */
export const TranscriptLogprob = z.object({
  token: z.string(),
  bytes: z.array(z.int().min(0).max(255)),
  logprob: z.number(),
})
export type TranscriptLogprob = z.infer<typeof TranscriptLogprob>

/** What it took: the recording's length, or tokens where a chat model listened. */
export const TranscriptUsage = z.discriminatedUnion('type', [
  z.object({ type: z.literal('duration'), seconds: z.number().min(0) }),
  z.object({
    type: z.literal('tokens'),
    input_tokens: z.int().min(0),
    output_tokens: z.int().min(0),
    total_tokens: z.int().min(0),
    input_token_details: z.object({ audio_tokens: z.int().min(0), text_tokens: z.int().min(0) }),
  }),
])
export type TranscriptUsage = z.infer<typeof TranscriptUsage>

/** Ours: where times come from: voice activity, the model's own timestamps, or alignment of its words. */
export const TimestampSource = z.enum(['vad', 'model', 'align'])
export type TimestampSource = z.infer<typeof TimestampSource>

/** The answer in `json`. */
export const Transcription = z.object({
  text: z.string(),
  logprobs: z.array(TranscriptLogprob).optional(),
  usage: TranscriptUsage,
  /** Ours: true when there are no words in all of it: silence, noise, music. */
  no_speech: z.boolean(),
})
export type Transcription = z.infer<typeof Transcription>

/** Ours: one guess at a window's words, and what its score is made of. */
export const TranscriptHypothesis = z.object({
  text: z.string(),
  /** Natural logarithm: the sum of `parts`. */
  score: z.number(),
  parts: ScoreParts,
})
export type TranscriptHypothesis = z.infer<typeof TranscriptHypothesis>

/** A stretch of the recording; times in seconds from its beginning. */
export const TranscriptSegment = z.object({
  id: z.int().min(0),
  /** Where the window that it was heard in begins, in frames of 10 ms. */
  seek: z.int().min(0),
  start: z.number().min(0),
  end: z.number().min(0),
  text: z.string(),
  tokens: z.array(z.int().min(0)),
  temperature: z.number(),
  avg_logprob: z.number(),
  compression_ratio: z.number(),
  no_speech_prob: z.number(),
  /** Ours, with `n_best`: guesses at the whole window, the best first, with the window's first segment. */
  hypotheses: z.array(TranscriptHypothesis).optional(),
})
export type TranscriptSegment = z.infer<typeof TranscriptSegment>

/** A word and when it was said. */
export const TranscriptWord = z.object({ word: z.string(), start: z.number().min(0), end: z.number().min(0) })
export type TranscriptWord = z.infer<typeof TranscriptWord>

/** The answer in `verbose_json`. */
export const TranscriptionVerbose = z.object({
  task: z.enum(['transcribe', 'translate']),
  /** In English and small letters, as OpenAI has it: `english`. */
  language: z.string(),
  /** Seconds. */
  duration: z.number().min(0),
  text: z.string(),
  segments: z.array(TranscriptSegment).optional(),
  words: z.array(TranscriptWord).optional(),
  usage: TranscriptUsage,
  timestamp_source: TimestampSource,
  no_speech: z.boolean(),
})
export type TranscriptionVerbose = z.infer<typeof TranscriptionVerbose>

/** The next piece of text. */
export const TranscriptDelta = z.object({
  type: z.literal('transcript.text.delta'),
  delta: z.string(),
  logprobs: z.array(TranscriptLogprob).optional(),
  segment_id: z.string().optional(),
})

/** A segment whose text has been given, and its times. OpenAI's has a `speaker`; speakers aren't told apart here. */
export const TranscriptSegmentEvent = z.object({
  type: z.literal('transcript.text.segment'),
  id: z.string(),
  start: z.number().min(0),
  end: z.number().min(0),
  text: z.string(),
})

/** The end: the whole text. */
export const TranscriptDone = z.object({
  type: z.literal('transcript.text.done'),
  text: z.string(),
  logprobs: z.array(TranscriptLogprob).optional(),
  usage: TranscriptUsage,
  /** Absent where the model gives no times. */
  timestamp_source: TimestampSource.optional(),
  no_speech: z.boolean(),
})

/** An event of a streamed transcript; `data: [DONE]` follows the last one. */
export const TranscriptStreamEvent = z.discriminatedUnion('type', [
  TranscriptDelta,
  TranscriptSegmentEvent,
  TranscriptDone,
])
export type TranscriptStreamEvent = z.infer<typeof TranscriptStreamEvent>
