/** A window's tokens cut into segments by the times among them. Source: openai/whisper `transcribe.py`. */

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

/** Step of Whisper's times, seconds. */
const SECONDS_PER_TIMESTAMP = 0.02

/**
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
    const seconds = Math.min(windowSeconds, (id - firstTimestamp) * SECONDS_PER_TIMESTAMP)
    if (current.tokens.length > 0) {
      segments.push({ ...current, end: seconds })
      current = { start: seconds, end: windowSeconds, tokens: [], indices: [] }
    } else current.start = seconds
  }
  if (current.tokens.length > 0) segments.push(current)
  return segments
}
