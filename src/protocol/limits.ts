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
  /** Seconds of one audio file, counted while decoding. */
  maxAudioSeconds: number
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
}

/** Longest list of completions (`n`) of a request. */
export const maxCompletions = 8
/** Most stop sequences, as OpenAI has it. */
export const maxStopSequences = 4
/** Most alternatives a token in `top_logprobs`, as OpenAI has it. */
export const maxTopLogprobs = 20
/** Most entries of `logit_bias`. */
export const maxLogitBiases = 1024
