/** Puts in what a table may lack: the contexts and suffixes of its n-grams, which queries walk through. */
import type { BackoffTable, TableLevel } from './backoff-table.ts'
import { LevelIndex, TableIndex } from './table-index.ts'
import { grown } from './vocabulary.ts'

/**
 * The same model with every n-gram's context and suffix in it, at the probability they have by backing off and a
 * weight of 1: pruned SRILM models lack some. The very same table where nothing is missing.
 * @throws NgramError when an n-gram is there twice
 */
export function completeTable(table: BackoffTable): { table: BackoffTable; added: number } {
  let complete = table
  let added = 0
  // From the longest down: what is put in may itself lack something shorter.
  for (let length = table.order; length >= 3; length--) {
    const level = complete.levels[length - 1]!
    const below = complete.levels[length - 2]!
    const index = new LevelIndex(below)
    const missing = new Map<string, number[]>()
    for (let node = 0; node < level.size; node++) {
      const start = node * length
      for (const offset of [start, start + 1]) {
        if (index.find(level.words, offset) >= 0) continue
        const words = Array.from(level.words.subarray(offset, offset + length - 1))
        missing.set(words.join(' '), words)
      }
    }
    if (missing.size === 0) continue
    added += missing.size
    const levels = [...complete.levels]
    levels[length - 2] = extended(complete, below, [...missing.values()])
    complete = { ...complete, levels }
  }
  return { table: complete, added }
}

function extended(table: BackoffTable, level: TableLevel, ngrams: readonly number[][]): TableLevel {
  const index = new TableIndex(table)
  const size = level.size + ngrams.length
  const words = resized(level.words, size * level.length)
  const log10Prob = resized(level.log10Prob, size)
  ngrams.forEach((ngram, number) => {
    words.set(ngram, (level.size + number) * level.length)
    log10Prob[level.size + number] = index.log10Prob(level.length, ngram, 0)
  })
  return { length: level.length, size, words, log10Prob, log10Backoff: resized(level.log10Backoff, size) }
}

function resized<T extends Uint32Array | Float32Array>(array: T, length: number): T {
  return grown(array, length).subarray(0, length) as T
}
