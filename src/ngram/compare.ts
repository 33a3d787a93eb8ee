/** How far two models are apart, n-gram by n-gram: for checks against other toolkits. */
import type { BackoffTable } from './backoff-table.ts'
import { TableIndex } from './table-index.ts'

/** The differences of the n-grams of one length. */
export interface LevelDifference {
  readonly length: number
  /** N-grams in both. */
  readonly common: number
  readonly onlyInFirst: number
  readonly onlyInSecond: number
  /** The largest difference of log10 probabilities and of log10 back-offs among those in both. */
  readonly log10Prob: number
  readonly log10Backoff: number
}

/** Compares by the words' spelling. `<s>`'s probability is left out: it means nothing, and tools write what they like. */
export function compareTables(first: BackoffTable, second: BackoffTable): LevelDifference[] {
  const index = new TableIndex(second)
  const ids = Int32Array.from(
    { length: first.vocabulary.size },
    (_, id) => second.vocabulary.find(first.vocabulary.word(id)) ?? -1,
  )
  return Array.from({ length: Math.max(first.order, second.order) }, (_, below): LevelDifference => {
    const level = first.levels[below]
    const other = second.levels[below]
    let [common, log10Prob, log10Backoff] = [0, 0, 0]
    for (let node = 0; level && other && node < level.size; node++) {
      const words = Array.from(
        level.words.subarray(node * level.length, (node + 1) * level.length),
        id => ids[id]!,
      )
      const found = words.includes(-1) ? -1 : index.find(level.length, words, 0)
      if (found < 0) continue
      common++
      const isStart = level.length === 1 && node === 1
      const difference = isStart ? 0 : Math.abs(level.log10Prob[node]! - other.log10Prob[found]!)
      log10Prob = Math.max(log10Prob, difference)
      log10Backoff = Math.max(log10Backoff, Math.abs(level.log10Backoff[node]! - other.log10Backoff[found]!))
    }
    const onlyInFirst = (level?.size ?? 0) - common
    return {
      length: below + 1,
      common,
      onlyInFirst,
      onlyInSecond: (other?.size ?? 0) - common,
      log10Prob,
      log10Backoff,
    }
  })
}
