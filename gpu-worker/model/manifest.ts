/**
 * `pack.json`: what a model pack holds and how it is to be run.
 *
 * A pack is a folder. Every file in it is listed with its size and SHA-256, and nothing that isn't listed is
 * read. The manifest is written by `training/export`; this schema is what the worker holds it against.
 */
import { z } from 'zod'

const File = z.strictObject({ sha256: z.string().regex(/^[0-9a-f]{64}$/), bytes: z.int().positive() })

const Provenance = z.strictObject({
  what: z.string(),
  licence: z.string(),
  source: z.string(),
  changes: z.string().optional(),
})

const Common = {
  format: z.literal(1),
  name: z.string().regex(/^[a-z0-9][a-z0-9.-]*$/),
  description: z.string(),
  licence: z.string(),
  provenance: z.array(Provenance).min(1),
  /** Paths relative to the pack's folder. */
  files: z.record(z.string(), File),
  /** Other packs whose files this one uses, by name; looked for beside this one. */
  requires: z.array(z.string()).default([]),
}

/** What decides whether a window holds speech; measured by `training/evaluate` (see docs/log.md). */
const SpeechGate = z.strictObject({
  /** Quieter windows (RMS of the loudest 0.5 s, full scale 1) are silence: the decoder isn't asked. */
  min_rms: z.number().min(0),
  /** Whisper's probability of <|nospeech|> at its first step above which ... */
  max_no_speech_probability: z.number().min(0).max(1),
  /** ... and the mean log-probability of the words below which, together, a window has no speech. */
  min_mean_logprob: z.number().max(0),
  /** Below this mean log-probability there is no speech whatever the first test says. */
  floor_mean_logprob: z.number().max(0),
})

/** Speech recognizer of Whisper's architecture. */
export const WhisperManifest = z.strictObject({
  ...Common,
  tokenizer: z.string(),
  architecture: z.literal('whisper'),
  audio: z.strictObject({
    sample_rate_hz: z.literal(16_000),
    mel_bins: z.union([z.literal(80), z.literal(128)]),
    hop_samples: z.literal(160),
    max_frames: z.int().positive(),
  }),
  encoder: z.strictObject({ graph: z.string(), hidden: z.int().positive() }),
  decoder: z.strictObject({
    graph: z.string(),
    layers: z.int().positive(),
    heads: z.int().positive(),
    head_dim: z.int().positive(),
    vocabulary: z.int().positive(),
    max_positions: z.int().positive(),
  }),
  tokens: z.strictObject({
    start_of_transcript: z.int(),
    end_of_text: z.int(),
    no_speech: z.int(),
    /** The times follow it: 0.00 s, 0.02 s, ... */
    no_timestamps: z.int(),
    start_of_previous: z.int(),
  }),
  /** ISO 639-1. */
  languages: z.array(z.string().regex(/^[a-z]{2}$/)).min(1),
  /** What decides whether a window holds speech. */
  gate: SpeechGate,
})
export type WhisperManifest = z.infer<typeof WhisperManifest>

/** Where a low-rank adapter is added in each layer: y = W x + b (a x), per projection. */
const AdapterSite = z.strictObject({
  name: z.string(),
  inputs: z.int().positive(),
  outputs: z.int().positive(),
})

/** Rows of 8 bits in blocks: q u8 [vocabulary, hidden], then scales f32 [vocabulary, hidden / block_size]. */
const QuantizedEmbedding = z.strictObject({
  file: z.string(),
  bits: z.literal(8),
  block_size: z.int().positive(),
  zero_point: z.literal(128),
})

/** The rows that token ids are looked up in; f16 [vocabulary, hidden] where they aren't quantized. */
const EmbeddingFile = z.discriminatedUnion('bits', [
  QuantizedEmbedding,
  z.strictObject({ file: z.string(), bits: z.literal(16) }),
])
export type EmbeddingFile = z.infer<typeof EmbeddingFile>

/**
 * Linear maps that multiply in 8 bits by a scale a column: how the file of external data that holds their weights is
 * made of those in blocks, when the pack is loaded. See `pocket/rounded-weights.ts`.
 */
const RoundedWeights = z.strictObject({
  /** What the graph calls the file that is made: for each matrix levels i8 [inputs, outputs], then scales f32 [outputs]. */
  file: z.string(),
  /** What the inputs are divided by, f16 [inputs] for each matrix. */
  smoothing: z.string(),
  block_size: z.int().positive(),
  zero_point: z.literal(128),
  matrices: z
    .array(
      z.strictObject({
        /** Where its u8 [outputs, inputs] begin in this file, and their scales f16 [outputs, inputs / block_size]. */
        file: z.string(),
        weight: z.int().min(0),
        scales: z.int().min(0),
        inputs: z.int().positive(),
        outputs: z.int().positive().multipleOf(4),
      }),
    )
    .min(1),
})
export type RoundedWeights = z.infer<typeof RoundedWeights>

/** A language model's decoder and its sizes. */
const Decoder = {
  graph: z.string(),
  layers: z.int().positive(),
  hidden: z.int().positive(),
  heads: z.int().positive(),
  kv_heads: z.int().positive(),
  head_dim: z.int().positive(),
  vocabulary: z.int().positive(),
  max_positions: z.int().positive(),
  adapter_sites: z.array(AdapterSite),
}

/** What is used where a request leaves it open. */
const Generation = z.strictObject({
  temperature: z.number().min(0),
  top_p: z.number(),
  top_k: z.int().min(0),
  repetition_penalty: z.number(),
  max_tokens: z.int().positive(),
})

const checkpointName = z.string().regex(/^[a-z0-9-]+$/)

/** Audio-language model: speech tokens by the bridge, acoustic tokens by a projector, a small LLM. */
export const PocketManifest = z.strictObject({
  ...Common,
  tokenizer: z.string(),
  architecture: z.literal('pocket'),
  /** The pack that hears for this one. */
  speech: z.strictObject({ pack: z.string() }),
  /** The rows are shared with the head. */
  language_model: z.strictObject({
    ...Decoder,
    embedding: QuantizedEmbedding,
    rounded: RoundedWeights.optional(),
  }),
  tokens: z.strictObject({
    start_of_turn: z.int(),
    end_of_turn: z.int(),
    /** The virtual ids lie past the vocabulary, so that no text can ever make them. */
    audio_start: z.int(),
    audio: z.int(),
    audio_speech: z.int(),
    audio_end: z.int(),
  }),
  prompt: z.strictObject({ template: z.literal('chatml'), default_system: z.string() }),
  generation: Generation,
  hearing: z.strictObject({
    /** Silence put after the audio, in samples at 16 kHz. */
    tail_samples: z.int().min(0),
    /** Longest transcript of one window, in Whisper's tokens. */
    max_tokens: z.int().positive(),
    /** How many alternatives of each step are mixed into its embedding. */
    alternatives: z.int().positive(),
    gate: SpeechGate,
  }),
  /** Encoder positions (20 ms each) that are pooled into one acoustic token. */
  acoustic: z.strictObject({ positions_per_token: z.int().positive() }),
  checkpoints: z
    .array(
      z.strictObject({
        name: checkpointName,
        description: z.string(),
        adapter: z.string(),
        acoustic_graph: z.string(),
      }),
    )
    .min(1),
  default_checkpoint: z.string(),
})
export type PocketManifest = z.infer<typeof PocketManifest>

/** Audio-language model of Qwen2-Audio's architecture: Whisper's encoder, pooled and projected, and Qwen2. */
export const Qwen2AudioManifest = z.strictObject({
  ...Common,
  tokenizer: z.string(),
  architecture: z.literal('qwen2-audio'),
  audio: z.strictObject({
    /** Encoder, pooling and projector in one: from mel to embeddings. */
    graph: z.string(),
    sample_rate_hz: z.literal(16_000),
    mel_bins: z.literal(128),
    hop_samples: z.literal(160),
    max_frames: z.literal(3000),
  }),
  language_model: z.strictObject({ ...Decoder, embedding: EmbeddingFile }),
  tokens: z.strictObject({
    start_of_turn: z.int(),
    end_of_turn: z.int(),
    end_of_text: z.int(),
    audio_start: z.int(),
    audio: z.int(),
    audio_end: z.int(),
  }),
  prompt: z.strictObject({ template: z.literal('qwen2-audio'), default_system: z.string() }),
  generation: Generation,
  /** One without an adapter is the published model. */
  checkpoints: z
    .array(z.strictObject({ name: checkpointName, description: z.string(), adapter: z.string().optional() }))
    .min(1),
  default_checkpoint: z.string(),
})
export type Qwen2AudioManifest = z.infer<typeof Qwen2AudioManifest>

/** Voice activity detector of Silero's architecture: recurrent, one probability a frame. */
export const SileroVadManifest = z.strictObject({
  ...Common,
  architecture: z.literal('silero-vad'),
  graph: z.string(),
  sample_rate_hz: z.literal(16_000),
  frame_samples: z.int().positive(),
  /** Samples before a frame that go in with it. */
  context_samples: z.int().positive(),
  /** Layers and width of what it remembers. */
  state: z.tuple([z.int().positive(), z.int().positive()]),
})
export type SileroVadManifest = z.infer<typeof SileroVadManifest>

export const PackManifest = z.discriminatedUnion('architecture', [
  WhisperManifest,
  PocketManifest,
  Qwen2AudioManifest,
  SileroVadManifest,
])
export type PackManifest = z.infer<typeof PackManifest>
