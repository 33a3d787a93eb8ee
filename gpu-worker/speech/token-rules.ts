/**
 * Which tokens may come next. Source: openai/whisper `decoding.py`: SuppressBlank, SuppressTokens and
 * ApplyTimestampRules, in that order.
 */
import type { Tokenizer } from '../text/tokenizer.ts'

/** Ids that mean something to the rules; text lies below `endOfText`, times from `firstTimestamp` on. */
export interface SpecialTokens {
  readonly endOfText: number
  readonly noSpeech: number
  readonly firstTimestamp: number
}

/** What the rules need to know of the tokens so far. */
export interface TokenHistory {
  /** Tokens sampled so far. */
  readonly count: number
  /** The last token; -1 before the first. */
  readonly last: number
  /** The token before it; -1 when there is none. */
  readonly beforeLast: number
  /** The last time; -1 before the first. */
  readonly lastTimestamp: number
}

export const EMPTY_HISTORY: TokenHistory = { count: 0, last: -1, beforeLast: -1, lastTimestamp: -1 }

/** The first time is at most this late: 1 s in steps of 20 ms. */
const MAX_INITIAL_TIMESTAMP = 50
/** When less than this is left, what is left is summed up anew: a difference of large numbers would be noise. */
const LITTLE = 0.01

/** Log-probabilities below this add nothing to a sum: e^-20 times 1,500 times is 3e-6. */
const NEGLIGIBLE = -20

export class TokenRules {
  readonly #tokens: SpecialTokens
  readonly #suppressed: Int32Array
  readonly #blank: number | null
  readonly #withTimestamps: boolean

  /**
   * @param suppressed ids of text that are never said, see `nonSpeechTokens`
   * @param options.blank the space, which like the end doesn't come first; null lets both
   */
  constructor(
    tokens: SpecialTokens,
    suppressed: readonly number[],
    options: { blank: number | null; withTimestamps: boolean },
  ) {
    this.#tokens = tokens
    this.#suppressed = Int32Array.from(suppressed.filter(id => id < tokens.endOfText))
    this.#blank = options.blank
    this.#withTimestamps = options.withTimestamps
  }

  /** @returns the history with one more token */
  extend(history: TokenHistory, id: number): TokenHistory {
    const isTimestamp = id >= this.#tokens.firstTimestamp
    return {
      count: history.count + 1,
      last: id,
      beforeLast: history.last,
      lastTimestamp: isTimestamp ? id : history.lastTimestamp,
    }
  }

  /**
   * Sets what may not come next to minus infinity, in place.
   * @param row log-probabilities [vocabulary] f32
   * @returns natural logarithm of what is left of the probability: the others are renormalized by subtracting it
   */
  apply(row: Float32Array, history: TokenHistory): number {
    const { endOfText, firstTimestamp } = this.#tokens
    // What is taken away, summed up; only text and its end are ever kept beside times.
    let removed = 0
    for (const id of this.#suppressed) {
      removed += Math.exp(row[id]!)
      row[id] = Number.NEGATIVE_INFINITY
    }
    removed += exponentialSum(row, endOfText + 1, firstTimestamp)
    row.fill(Number.NEGATIVE_INFINITY, endOfText + 1, firstTimestamp)
    if (history.count === 0 && this.#blank !== null) {
      for (const id of [this.#blank, endOfText]) {
        removed += Math.exp(row[id]!)
        row[id] = Number.NEGATIVE_INFINITY
      }
    }
    if (!this.#withTimestamps) {
      removed += exponentialSum(row, firstTimestamp, row.length)
      row.fill(Number.NEGATIVE_INFINITY, firstTimestamp)
      return logOfRest(row, removed, 0, endOfText + 1)
    }
    return this.#applyTimestampRules(row, history, removed)
  }

  #applyTimestampRules(row: Float32Array, history: TokenHistory, removed: number): number {
    const { endOfText, firstTimestamp } = this.#tokens
    const { count, last, beforeLast, lastTimestamp } = history
    let from = firstTimestamp
    let to = row.length
    let textIsOpen = true
    if (count === 0) {
      // It begins with a time.
      textIsOpen = false
      to = Math.min(to, firstTimestamp + MAX_INITIAL_TIMESTAMP + 1)
    } else {
      const lastIsTime = last >= firstTimestamp
      const pairIsComplete = lastIsTime && (count < 2 || beforeLast >= firstTimestamp)
      // Times come in pairs but before the end: after two of them text, after one another or the end.
      if (pairIsComplete) from = to
      else if (lastIsTime) textIsOpen = false
      // Times don't go back; a segment isn't empty.
      if (lastTimestamp >= 0) {
        const earliest = lastIsTime && !pairIsComplete ? lastTimestamp : lastTimestamp + 1
        from = Math.min(to, Math.max(from, earliest))
      }
    }
    removed += exponentialSum(row, firstTimestamp, from) + exponentialSum(row, to, row.length)
    row.fill(Number.NEGATIVE_INFINITY, firstTimestamp, from)
    row.fill(Number.NEGATIVE_INFINITY, to)

    if (!textIsOpen) row.fill(Number.NEGATIVE_INFINITY, 0, endOfText)
    // If all times together are likelier than any other token, it is a time.
    const timesSum = exponentialSum(row, from, to)
    let likeliest = Number.NEGATIVE_INFINITY
    for (let id = 0; id <= endOfText; id++) if (row[id]! > likeliest) likeliest = row[id]!
    if (timesSum > 0 && Math.log(timesSum) > likeliest) {
      row.fill(Number.NEGATIVE_INFINITY, 0, endOfText + 1)
      return logOfSum(timesSum, row, from, to)
    }
    if (!textIsOpen) return logOfSum(timesSum + Math.exp(likeliest), row, endOfText, to)
    return logOfRest(row, removed, 0, row.length)
  }
}

/**
 * Pieces that stand for no speech: brackets, notes, speaker names. Source: openai/whisper `tokenizer.py`,
 * `non_speech_tokens`; for tiny.en the ids that its configuration publishes as `suppress_tokens`.
 */
export function nonSpeechTokens(tokenizer: Tokenizer): number[] {
  const symbols = [...'"#()*+/:;<=>@[\\]^_`{|}~「」『』']
  symbols.push(...'<< >> <<< >>> -- --- -( -[ (\' (" (( )) ((( ))) [[ ]] {{ }} ♪♪ ♪♪♪'.split(' '))
  // Of these the first token alone stands for them: the others are pieces of their UTF-8.
  const miscellaneous = new Set('♩♪♫♬♭♮♯')
  const ids = new Set<number>()
  for (const dash of [' -', " '"]) ids.add(tokenizer.encode(dash)[0]!)
  for (const symbol of [...symbols, ...miscellaneous]) {
    for (const tokens of [tokenizer.encode(symbol), tokenizer.encode(` ${symbol}`)]) {
      if (tokens.length === 1 || miscellaneous.has(symbol)) ids.add(tokens[0]!)
    }
  }
  return [...ids].sort((a, b) => a - b)
}

function exponentialSum(row: Float32Array, from: number, to: number): number {
  let sum = 0
  for (let id = from; id < to; id++) if (row[id]! > NEGLIGIBLE) sum += Math.exp(row[id]!)
  return sum
}

/** log(1 - removed), or of the sum itself where that would be inexact. */
function logOfRest(row: Float32Array, removed: number, from: number, to: number): number {
  return removed < 1 - LITTLE ? Math.log1p(-removed) : logOfSum(0, row, from, to)
}

/** log(sum), or of the sum over [from, to) with its maximum taken out where the plain sum underflows. */
function logOfSum(sum: number, row: Float32Array, from: number, to: number): number {
  if (sum > 1e-30) return Math.log(sum)
  let max = Number.NEGATIVE_INFINITY
  for (let id = from; id < to; id++) if (row[id]! > max) max = row[id]!
  if (max === Number.NEGATIVE_INFINITY) return 0
  let scaled = 0
  for (let id = from; id < to; id++) scaled += Math.exp(row[id]! - max)
  return max + Math.log(scaled)
}
