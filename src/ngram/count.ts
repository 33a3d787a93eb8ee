/**
 * Counts every n-gram of a corpus up to an order by sorting positions: all positions by the words that end there
 * (last word first), so that equal n-grams of every length stand side by side. No hashing, no strings; time and
 * memory grow with the text: about 14 bytes a token while sorting, and 21 an n-gram.
 */
import type { Corpus } from './corpus.ts'
import { NgramError } from './ngram-error.ts'
import { SENTENCE_START, type Vocabulary } from './vocabulary.ts'

/** The longest n-grams that are counted or loaded. */
export const MAXIMUM_ORDER = 10

/** The n-grams of one length, sorted by last word, then the one before it, and so on. */
export interface CountLevel {
  /** How many words each has. */
  readonly length: number
  readonly size: number
  /** How often each occurs. */
  readonly raw: Uint32Array
  /**
   * Kneser-Ney's adjusted count: how many different words stand before it; the raw count at the highest order, and
   * for what begins with `<s>`, which has nothing before it.
   */
  readonly adjusted: Uint32Array
  /** Which n-gram of the level below is all of it but the last word: its context. All 0 for single words. */
  readonly context: Uint32Array
  /** Which n-gram of the level below is all of it but the first word. All 0 for single words. */
  readonly suffix: Uint32Array
  /** Where the last word of one of its occurrences stands in the corpus. */
  readonly example: Uint32Array
  /** 1 where it begins with `<s>`. */
  readonly startsSentence: Uint8Array
  /** The last one in this order, if it is a suffix of the corpus's last sorted window (see `countsOfCounts`). */
  readonly isLastWindows: boolean
}

/** All that smoothing needs to know of a corpus. */
export interface NgramCounts {
  readonly order: number
  readonly vocabulary: Vocabulary
  /** levels[0] are single words: index and word id are the same. */
  readonly levels: readonly CountLevel[]
  /** The corpus's word ids, where `example` points to. */
  readonly tokens: Uint32Array
}

/** @throws NgramError for an empty corpus or an order out of 1 to 10 */
export function countNgrams(corpus: Corpus, order: number): NgramCounts {
  if (!Number.isInteger(order) || order < 1 || order > MAXIMUM_ORDER) {
    throw new NgramError(`the order must be a whole number from 1 to ${MAXIMUM_ORDER}, not ${order}`)
  }
  if (corpus.sentences === 0) throw new NgramError('the text is empty: there is nothing to count')
  const { tokens, depths, vocabulary } = corpus
  const sorted = sortPositions(tokens, depths, order, vocabulary.size)
  const shared = sharedLengths(tokens, depths, sorted, order)
  const last = sorted[sorted.length - 1]!

  const levels: CountLevel[] = [countWords(tokens, sorted, vocabulary.size)]
  // Which n-gram of the level at hand ends at each position of the corpus.
  let nodeAt = tokens.slice()
  for (let length = 2; length <= order; length++) {
    const below = nodeAt
    nodeAt = new Uint32Array(tokens.length)
    let size = 0
    for (let index = 0; index < sorted.length; index++) {
      if (shared[index]! < length && depths[sorted[index]!]! >= length - 1) size++
    }
    const level = emptyLevel(length, size, depths[last]! >= length - 1)
    const adjustedBelow = levels[length - 2]!.adjusted
    let node = -1
    for (let index = 0; index < sorted.length; index++) {
      const position = sorted[index]!
      const depth = depths[position]!
      if (depth < length - 1) continue
      if (shared[index]! < length) {
        node++
        level.context[node] = below[position - 1]!
        level.suffix[node] = below[position]!
        level.example[node] = position
        level.startsSentence[node] = depth === length - 1 ? 1 : 0
        adjustedBelow[below[position]!]!++
      }
      level.raw[node]!++
      nodeAt[position] = node
    }
    levels.push(level)
  }
  for (const level of levels) {
    for (let node = 0; node < level.size; node++) {
      const isWhole = level.length === order || level.startsSentence[node] === 1
      if (isWhole) level.adjusted[node] = level.raw[node]!
    }
  }
  // `<s>` is never predicted: it has no count, only what follows it has.
  levels[0]!.raw[SENTENCE_START] = 0
  levels[0]!.adjusted[SENTENCE_START] = 0
  return { order, vocabulary, levels, tokens }
}

/** The words of n-gram `node`, first to last, into `out` from `offset`. */
export function wordsOf(
  { levels, tokens }: NgramCounts,
  length: number,
  node: number,
  out: Uint32Array,
  offset: number,
): void {
  if (length === 1) {
    out[offset] = node
    return
  }
  const end = levels[length - 1]!.example[node]!
  for (let index = 0; index < length; index++) out[offset + index] = tokens[end - length + 1 + index]!
}

function emptyLevel(length: number, size: number, isLastWindows: boolean): CountLevel {
  return {
    length,
    size,
    raw: new Uint32Array(size),
    adjusted: new Uint32Array(size),
    context: new Uint32Array(size),
    suffix: new Uint32Array(size),
    example: new Uint32Array(size),
    startsSentence: new Uint8Array(size),
    isLastWindows,
  }
}

function countWords(tokens: Uint32Array, sorted: Uint32Array, vocabularySize: number): CountLevel {
  const lastWord = tokens[sorted[sorted.length - 1]!]!
  const level = emptyLevel(1, vocabularySize, lastWord === vocabularySize - 1)
  for (let position = 0; position < tokens.length; position++) level.raw[tokens[position]!]!++
  level.startsSentence[SENTENCE_START] = 1
  return level
}

/** The positions of all words and `</s>`, sorted by the `order` words that end there, the last word first. */
function sortPositions(
  tokens: Uint32Array,
  depths: Uint8Array,
  order: number,
  vocabularySize: number,
): Uint32Array {
  let count = 0
  for (let position = 0; position < depths.length; position++) if (depths[position] !== 0) count++
  let from = new Uint32Array(count)
  let to = new Uint32Array(count)
  for (let position = 0, index = 0; position < depths.length; position++) {
    if (depths[position] !== 0) from[index++] = position
  }
  // Least significant word first; each pass is a stable counting sort. Before `<s>` there is only `<s>`.
  const starts = new Uint32Array(vocabularySize + 1)
  for (let back = order - 1; back >= 0; back--) {
    starts.fill(0)
    for (let index = 0; index < count; index++) {
      const position = from[index]!
      starts[(back <= depths[position]! ? tokens[position - back]! : SENTENCE_START) + 1]!++
    }
    for (let word = 0; word < vocabularySize; word++) starts[word + 1]! += starts[word]!
    for (let index = 0; index < count; index++) {
      const position = from[index]!
      to[starts[back <= depths[position]! ? tokens[position - back]! : SENTENCE_START]!++] = position
    }
    ;[from, to] = [to, from]
  }
  return from
}

/** For each sorted position: how many words, counted from the last, it shares with the one before it. */
function sharedLengths(
  tokens: Uint32Array,
  depths: Uint8Array,
  sorted: Uint32Array,
  order: number,
): Uint8Array {
  const shared = new Uint8Array(sorted.length)
  for (let index = 1; index < sorted.length; index++) {
    const one = sorted[index - 1]!
    const other = sorted[index]!
    const words = Math.min(order, depths[one]! + 1, depths[other]! + 1)
    let length = 0
    while (length < words && tokens[one - length] === tokens[other - length]) length++
    // Both ran into their `<s>`: before it they are alike for ever.
    if (length === words && depths[one] === depths[other]) length = order
    shared[index] = length
  }
  return shared
}
