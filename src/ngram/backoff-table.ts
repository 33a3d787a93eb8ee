/**
 * A back-off model as a table: what smoothing makes, ARPA files hold, pruning works on, and binaries are packed from.
 * p(w | h) is the entry of `h w` where there is one, else back-off(h) · p(w | h without its first word).
 */
import type { TokenizerOptions } from './tokenizer.ts'
import { Vocabulary } from './vocabulary.ts'

/** Stands for log10(0), as SRILM writes it. */
export const LOG10_ZERO = -99

/** The n-grams of one length. */
export interface TableLevel {
  readonly length: number
  readonly size: number
  /** [size, length]: word ids, first to last. Level 0 (single words) has every id of the vocabulary, in order. */
  readonly words: Uint32Array
  /** [size] log10 of the probability of the last word after those before it. */
  readonly log10Prob: Float32Array
  /** [size] log10 of what the probability of a shorter context is multiplied with; 0 where nothing follows. */
  readonly log10Backoff: Float32Array
}

/** A whole model. */
export interface BackoffTable {
  readonly order: number
  readonly vocabulary: Vocabulary
  readonly levels: readonly TableLevel[]
  /** How text was cut in training; null where that isn't known (an ARPA file doesn't say). */
  readonly tokenizer: TokenizerOptions | null
}

/** A level with room for `size` n-grams, all zeros. */
export function emptyTableLevel(length: number, size: number): TableLevel {
  return {
    length,
    size,
    words: new Uint32Array(size * length),
    log10Prob: new Float32Array(size),
    log10Backoff: new Float32Array(size),
  }
}

/** The level without the n-grams that `keeps` is 0 for. */
export function filterTableLevel(level: TableLevel, keeps: Uint8Array): TableLevel {
  let size = 0
  for (let node = 0; node < level.size; node++) if (keeps[node] === 1) size++
  const kept = emptyTableLevel(level.length, size)
  for (let node = 0, to = 0; node < level.size; node++) {
    if (keeps[node] !== 1) continue
    const from = node * level.length
    kept.words.set(level.words.subarray(from, from + level.length), to * level.length)
    kept.log10Prob[to] = level.log10Prob[node]!
    kept.log10Backoff[to] = level.log10Backoff[node]!
    to++
  }
  return kept
}

/** The table with a vocabulary of only the words that `keeps` is 1 for; no n-gram may hold another. */
export function withoutWords(table: BackoffTable, keeps: Uint8Array): BackoffTable {
  const vocabulary = new Vocabulary()
  const newIds = new Uint32Array(keeps.length)
  for (let word = 0; word < keeps.length; word++) {
    if (keeps[word] === 1) newIds[word] = vocabulary.add(table.vocabulary.word(word))
  }
  const levels = table.levels.map(level => ({ ...level, words: level.words.map(word => newIds[word]!) }))
  return { ...table, vocabulary, levels }
}

/** log10 of a probability, where 0 is ARPA's -99. */
export function log10(probability: number): number {
  return probability > 0 ? Math.log10(probability) : LOG10_ZERO
}
