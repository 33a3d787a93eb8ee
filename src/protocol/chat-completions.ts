/**
 * `POST /v1/chat/completions`: the request, the answer, and the chunks of a streamed answer.
 * OpenAI's wire format; what is ours beyond it says so.
 */
import * as z from 'zod'
import { audioFormats } from './audio-source.ts'
import {
  maxCompletions,
  maxLogitBiases,
  maxSchemaCharacters,
  maxStopSequences,
  maxTopLogprobs,
} from './limits.ts'
import { ngramFields } from './rescore.ts'

/** OpenAI takes null wherever a field may be left out; inside Auricle it is simply not there. */
const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform(value => value ?? undefined)
/** A field that only exists to be null or empty, as in an assistant message that is sent back as it came. */
const absent = z.null().optional()
const emptyList = z.array(z.never()).max(0).nullish()

/** Text of a message. */
export const TextPart = z.strictObject({
  type: z.literal('text'),
  text: z.string(),
})

/** A recording, as base64. */
export const InputAudioPart = z.strictObject({
  type: z.literal('input_audio'),
  input_audio: z.strictObject({
    /** base64 of the audio file. */
    data: z.string().min(1, 'it is empty'),
    /** A hint; the bytes decide. OpenAI requires it, here it may be left out. */
    format: z.enum(audioFormats).optional(),
  }),
})

/**
 * vLLM's extension: audio by URL; `data:`, `http(s):` (fetched by the worker), `file:<id>` for a file that was uploaded,
 * or `audio:<audio_id>` for audio that was sent before.
 */
export const AudioUrlPart = z.strictObject({
  type: z.literal('audio_url'),
  audio_url: z.strictObject({ url: z.string().min(1, 'it is empty') }),
})

/** A file that was uploaded, by its id. */
export const FilePart = z.strictObject({
  type: z.literal('file'),
  file: z.strictObject({ file_id: z.string() }),
})

/** Any kind of audio. */
export const AudioPart = z.discriminatedUnion('type', [InputAudioPart, AudioUrlPart, FilePart])
export type AudioPart = z.infer<typeof AudioPart>
/** One part of a user's message. */
export const ContentPart = z.discriminatedUnion('type', [TextPart, InputAudioPart, AudioUrlPart, FilePart])
export type ContentPart = z.infer<typeof ContentPart>

const textContent = z.union([z.string(), z.array(TextPart).min(1)])

/** How the model is to behave. */
export const SystemMessage = z.strictObject({ role: z.literal('system'), content: textContent })
/** OpenAI's newer name for the system message; treated the same. */
export const DeveloperMessage = z.strictObject({ role: z.literal('developer'), content: textContent })
/** What is asked: text and audio in any order. */
export const UserMessage = z.strictObject({
  role: z.literal('user'),
  content: z.union([z.string(), z.array(ContentPart).min(1)]),
})
/** An earlier answer. */
export const AssistantMessage = z.strictObject({
  role: z.literal('assistant'),
  content: textContent,
  // A message of an earlier answer is sent back as it came, with its empty fields.
  refusal: absent,
  audio: absent,
  function_call: absent,
  tool_calls: emptyList,
  annotations: emptyList,
})

/** One message of the conversation. */
export const Message = z.discriminatedUnion('role', [
  SystemMessage,
  DeveloperMessage,
  UserMessage,
  AssistantMessage,
])
export type Message = z.infer<typeof Message>

/** What the answer is to be: text, any JSON object, or JSON that satisfies a schema. */
export const ResponseFormat = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('text') }),
  z.strictObject({ type: z.literal('json_object') }),
  z.strictObject({
    type: z.literal('json_schema'),
    json_schema: z.strictObject({
      name: z.string().regex(/^[a-zA-Z0-9_-]{1,64}$/, 'expected 1 to 64 letters, digits, _ or -'),
      description: optional(z.string().max(maxSchemaCharacters)),
      /** JSON Schema; `checkJsonSchema` says which keywords. */
      schema: z.record(z.string(), z.unknown()),
      /** The answer satisfies the schema either way. */
      strict: optional(z.boolean()),
    }),
  }),
])
export type ResponseFormat = z.infer<typeof ResponseFormat>

const tokenCount = z.int().min(1)

/** The request, as accepted. `parseChatCompletionRequest` also explains what is refused. */
export const ChatCompletionRequest = z.strictObject({
  model: z.string().min(1).max(256),
  messages: z.array(Message).min(1),

  stream: optional(z.boolean()),
  stream_options: optional(
    z.strictObject({ include_usage: optional(z.boolean()), include_obfuscation: optional(z.literal(false)) }),
  ),
  max_completion_tokens: optional(tokenCount),
  max_tokens: optional(tokenCount),
  temperature: optional(z.number().min(0).max(2)),
  top_p: optional(z.number().gt(0).max(1)),
  seed: optional(z.int()),
  stop: optional(z.union([z.string().min(1), z.array(z.string().min(1)).max(maxStopSequences)])),
  n: optional(z.int().min(1).max(maxCompletions)),
  logprobs: optional(z.boolean()),
  top_logprobs: optional(z.int().min(0).max(maxTopLogprobs)),
  frequency_penalty: optional(z.number().min(-2).max(2)),
  presence_penalty: optional(z.number().min(-2).max(2)),
  service_tier: optional(z.enum(['auto', 'default', 'flex', 'priority'])),
  logit_bias: optional(
    z
      .record(z.string().regex(/^\d{1,9}$/, 'expected a token id'), z.number().min(-100).max(100))
      .refine(biases => Object.keys(biases).length <= maxLogitBiases, `at most ${maxLogitBiases} entries`),
  ),

  response_format: optional(ResponseFormat),

  // Ours.
  top_k: optional(z.int().min(-1)),
  min_p: optional(z.number().min(0).max(1)),
  repetition_penalty: optional(z.number().gt(0).max(2)),
  long_audio: optional(z.enum(['error', 'chunk'])),
  /** How much of the answer comes from the audio is to be said with it. */
  grounding: optional(z.boolean()),
  /** Words that are likely in the audio, before it is answered. */
  ngram_model: optional(ngramFields.ngram_model),
  ngram_weight: optional(ngramFields.ngram_weight),
  word_bonus: optional(ngramFields.word_bonus),
  hotwords: optional(ngramFields.hotwords),

  // Without effect; see openai-parameters.ts.
  user: optional(z.string().max(1024)),
  safety_identifier: optional(z.string().max(1024)),
  metadata: optional(
    z
      .record(z.string().max(64), z.string().max(512))
      .refine(pairs => Object.keys(pairs).length <= 16, 'at most 16 pairs'),
  ),
  prompt_cache_key: optional(z.string().max(1024)),
  prompt_cache_retention: optional(z.enum(['in_memory', 'in-memory', '24h'])),

  // Only what happens anyway.
  store: optional(z.literal(false)),
  modalities: optional(z.tuple([z.literal('text')])),
  tools: emptyList,
  tool_choice: optional(z.literal('none')),
  functions: emptyList,
  function_call: optional(z.literal('none')),
  reasoning_effort: optional(z.literal('none')),
  verbosity: optional(z.literal('medium')),
})
export type ChatCompletionRequest = z.infer<typeof ChatCompletionRequest>

/** A stretch of a recording, in seconds from its beginning. */
export const AudioRange = z.object({ start: z.number().min(0), end: z.number().min(0) })

/** Ours: what became of one audio part, so that nothing is ever cut in silence. */
export const AudioCoverage = z.object({
  /** Index of the audio in the conversation, from 0. */
  index: z.int().min(0),
  /**
   * SHA-256 of the file. As long as it is cached, `audio_url: {url: "audio:<audio_id>"}` stands for the file in
   * later requests of the same tenant; once it isn't, they get `audio_not_cached`.
   */
  audio_id: z.string().regex(/^[0-9a-f]{64}$/),
  /** Length of what was sent. */
  seconds_received: z.number().min(0),
  /** Length of what the model was given. */
  seconds_encoded: z.number().min(0),
  ranges: z.array(AudioRange),
  /** What was heard; only where the request says which words are likely. Null: no speech. */
  heard: z.string().nullable().optional(),
  /** What the sound alone would have been heard as, where that is something else. */
  changed: z.string().nullable().optional(),
})
export type AudioCoverage = z.infer<typeof AudioCoverage>

const milliseconds = z.number().min(0)

/** Ours: where the time of a streamed answer went, in milliseconds; the `Server-Timing` header has it elsewhere. */
export const Timings = z.object({
  audio_decode_ms: milliseconds,
  /** Hearing the audio, without the decoding. */
  audio_encode_ms: milliseconds,
  /** Waiting for a slot. */
  queue_ms: milliseconds,
  /** From the slot to the first token. */
  prefill_ms: milliseconds,
  decode_ms: milliseconds,
  total_ms: milliseconds,
})
export type Timings = z.infer<typeof Timings>

/** What a request took: tokens, and what was heard. */
export const Usage = z.object({
  prompt_tokens: z.int().min(0),
  completion_tokens: z.int().min(0),
  total_tokens: z.int().min(0),
  prompt_tokens_details: z.object({
    /** Tokens of the prompt that stand for audio. */
    audio_tokens: z.int().min(0),
    /** Tokens of the prompt that weren't computed again: an earlier request began with the same. */
    cached_tokens: z.int().min(0),
  }),
  /** Ours: one entry an audio part, in the order of the conversation. */
  audio: z.array(AudioCoverage),
  timings: Timings.optional(),
})
export type Usage = z.infer<typeof Usage>

const TopLogprob = z.object({
  token: z.string(),
  /** UTF-8 bytes of the token; a token may be a part of a character. */
  bytes: z.array(z.int().min(0).max(255)).nullable(),
  logprob: z.number(),
})
/** One token of an answer, its log-probability (natural), and the likeliest in its place. */
export const TokenLogprob = TopLogprob.extend({ top_logprobs: z.array(TopLogprob) })
export type TokenLogprob = z.infer<typeof TokenLogprob>

/** The tokens of an answer, or of a chunk of it. */
export const Logprobs = z.object({
  content: z.array(TokenLogprob).nullable(),
  refusal: z.null().optional(),
})
export type Logprobs = z.infer<typeof Logprobs>

/**
 * Ours: how much of an answer comes from the audio. Natural logarithms of the probability of all its tokens, the one that
 * ended it included, with the audio and with silence in its place.
 */
export const Grounding = z.object({
  tokens: z.int().min(0),
  logprob: z.number(),
  logprob_without_audio: z.number(),
  /** The first less the second: below 0 the audio speaks against the answer. */
  gain: z.number(),
  /** The same for a token in the mean. */
  gain_per_token: z.number(),
})
export type Grounding = z.infer<typeof Grounding>

/** `stop`: the model ended or a stop sequence came; `length`: max_tokens or the context was reached. */
export const FinishReason = z.enum(['stop', 'length'])
export type FinishReason = z.infer<typeof FinishReason>

/** Which turn the request took: `auto` is answered as `default`. */
export const ServiceTier = z.enum(['default', 'flex', 'priority'])
export type ServiceTier = z.infer<typeof ServiceTier>

/** The whole answer. */
export const ChatCompletion = z.object({
  id: z.string(),
  object: z.literal('chat.completion'),
  /** Unix time in seconds. */
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int().min(0),
      message: z.object({ role: z.literal('assistant'), content: z.string(), refusal: z.null() }),
      logprobs: Logprobs.nullable(),
      finish_reason: FinishReason,
      /** Where the request asks for it. */
      grounding: Grounding.optional(),
    }),
  ),
  usage: Usage,
  service_tier: ServiceTier.optional(),
  system_fingerprint: z.string().optional(),
})
export type ChatCompletion = z.infer<typeof ChatCompletion>

/** One event of a streamed answer. The last one, where asked for, has no choices and the usage. */
export const ChatCompletionChunk = z.object({
  id: z.string(),
  object: z.literal('chat.completion.chunk'),
  created: z.int(),
  model: z.string(),
  choices: z.array(
    z.object({
      index: z.int().min(0),
      delta: z.object({ role: z.literal('assistant').optional(), content: z.string().optional() }),
      logprobs: Logprobs.nullable().optional(),
      finish_reason: FinishReason.nullable(),
      /** With the last of an answer's chunks, where the request asks for it. */
      grounding: Grounding.optional(),
    }),
  ),
  usage: Usage.nullable().optional(),
  service_tier: ServiceTier.optional(),
  system_fingerprint: z.string().optional(),
})
export type ChatCompletionChunk = z.infer<typeof ChatCompletionChunk>
