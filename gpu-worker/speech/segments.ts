/** A window's tokens cut into segments: by the times among them, or where sentences end and pauses are. */
import type { TimedWord } from './words.ts'

/** Tokens between two times. */
export interface TimedTokens {
  /** Seconds from the start of the window. */
  start: number
  end: number
  /** Text only. */
  tokens: number[]
  /** Where in the transcript's tokens each one stands. */
  indices: number[]
}

/** Whisper's times go in steps of 20 ms. */
const TIMESTAMPS_PER_SECOND = 50

/** A pause that ends a segment even within a sentence, seconds. */
const LONG_PAUSE_SECONDS = 0.8
/** A full stop behind these ends nothing. */
const ABBREVIATION = /(^|\s)(Dr|Mr|Mrs|Ms|St|Prof|Jr|vs|[A-Z])\.$/
const SENTENCE_END = /[.?!。？！]["'”)\]]*$/

/**
 * Sentences, from words that have times.
 * @param words all words of `whole`, in order
 * @param whole the tokens that the words were made of
 */
export function splitSentences(words: readonly TimedWord[], whole: readonly TimedTokens[]): TimedTokens[] {
  const tokens = whole.flatMap(part => part.tokens)
  const indices = whole.flatMap(part => part.indices)
  const sentences: TimedTokens[] = []
  let first = 0
  for (const [index, word] of words.entries()) {
    const next = words[index + 1]
    const pause = next ? next.start - word.end : 0
    const isEnd = SENTENCE_END.test(word.text) && !ABBREVIATION.test(word.text)
    if (next && pause < LONG_PAUSE_SECONDS && !isEnd) continue
    const begin = words[first]!
    const from = begin.first
    const to = next ? next.first : tokens.length
    const range = { tokens: tokens.slice(from, to), indices: indices.slice(from, to) }
    sentences.push({ start: begin.start, end: word.end, ...range })
    first = index + 1
  }
  return sentences
}

/**
 * Source: openai/whisper `transcribe.py`.
 * @param tokens text and times
 * @param endOfText text lies below it
 * @param firstTimestamp times lie from it on
 * @param windowSeconds length of the window: where a segment has no end, it ends there
 * @returns segments that hold text; one for all of it where there are no times
 */
export function splitSegments(
  tokens: readonly number[],
  endOfText: number,
  firstTimestamp: number,
  windowSeconds: number,
): TimedTokens[] {
  const segments: TimedTokens[] = []
  let current: TimedTokens = { start: 0, end: windowSeconds, tokens: [], indices: [] }
  for (const [index, id] of tokens.entries()) {
    if (id < endOfText) {
      current.tokens.push(id)
      current.indices.push(index)
      continue
    }
    if (id < firstTimestamp) continue
    const seconds = Math.min(windowSeconds, (id - firstTimestamp) / TIMESTAMPS_PER_SECOND)
    if (current.tokens.length > 0) {
      segments.push({ ...current, end: seconds })
      current = { start: seconds, end: windowSeconds, tokens: [], indices: [] }
    } else current.start = seconds
  }
  if (current.tokens.length > 0) segments.push(current)
  return segments
}
