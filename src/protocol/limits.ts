/** What one request may ask for. Each limit is enforced while reading, before anything is allocated for it. */

/** Limits of one request. Sizes in bytes, UTF-16 characters, items or seconds, as each name says. */
export interface Limits {
  /** Bytes of an HTTP body. */
  maxBodyBytes: number
  maxMessages: number
  maxPartsPerMessage: number
  /** Audio parts of a whole conversation. */
  maxAudioParts: number
  /** Characters of all text in a conversation. */
  maxTextCharacters: number
  /** Bytes of one audio file, after base64 (OpenAI's limit for a transcription). */
  maxAudioBytes: number
  /** Seconds of one audio file of a conversation, counted while decoding. */
  maxAudioSeconds: number
  /** Seconds of one file to transcribe, counted while decoding. */
  maxTranscriptionSeconds: number
  /** Bytes of the fields of a form, all together. */
  maxFieldBytes: number
  /** Bytes of a text or model that an n-gram model is made of, as it is sent. */
  maxNgramFileBytes: number
  /** UTF-16 code units of such a text, unpacked. */
  maxNgramTextCharacters: number
  /** n-grams of one model, all lengths together. */
  maxNgrams: number
  /** Bytes of one such model. */
  maxNgramModelBytes: number
}

/** The limits of a server that was told nothing else. */
export const defaultLimits: Limits = {
  maxBodyBytes: 32 * 1024 * 1024,
  maxMessages: 512,
  maxPartsPerMessage: 64,
  maxAudioParts: 32,
  maxTextCharacters: 1_000_000,
  maxAudioBytes: 26_214_400,
  maxAudioSeconds: 600,
  maxTranscriptionSeconds: 4 * 3600,
  maxFieldBytes: 1024 * 1024,
  maxNgramFileBytes: 26_214_400,
  maxNgramTextCharacters: 24_000_000,
  maxNgrams: 4_000_000,
  maxNgramModelBytes: 64 * 1024 * 1024,
}

/** What a Worker of Cloudflare's has room for beside everything else: 128 MB of memory, 30 s of processor time. */
export const workersLimits: Limits = {
  ...defaultLimits,
  maxNgramFileBytes: 8 * 1024 * 1024,
  maxNgramTextCharacters: 4_000_000,
  maxNgrams: 1_000_000,
  maxNgramModelBytes: 16 * 1024 * 1024,
}

/** Longest list of completions (`n`) of a request. */
export const maxCompletions = 8
/** Most stop sequences, as OpenAI has it. */
export const maxStopSequences = 4
/** Most alternatives a token in `top_logprobs`, as OpenAI has it. */
export const maxTopLogprobs = 20
/** Most entries of `logit_bias`. */
export const maxLogitBiases = 1024
/** Widest beam of a transcription, and so the longest list of `n_best`. */
export const maxBeamSize = 16
/** Most `hotwords` of a request. */
export const maxHotwords = 256
/** Most labels of a classification, and UTF-16 code units of one. */
export const maxLabels = 200
export const maxLabelCharacters = 100
/** Most hypotheses of one `POST /v1/audio/rescore`. */
export const maxHypotheses = 1000
/** Most n-gram models of a mixture. */
export const maxMixtureModels = 8
/** A JSON schema of `response_format`: JSON values in it, levels of nesting, characters of its names and strings. */
export const maxSchemaValues = 20_000
export const maxSchemaDepth = 100
export const maxSchemaCharacters = 131_072
