/** Laplace and add-k: k is added to every count of the highest order. */
import { type BackoffTable, emptyTableLevel, type TableLevel } from './backoff-table.ts'
import { type NgramCounts, wordsOf } from './count.ts'
import type { TokenizerOptions } from './tokenizer.ts'
import { SENTENCE_START } from './vocabulary.ts'

/**
 * p(w | h) = (c(h w) + k) / (c(h) + kV), V without `<s>`, which is never predicted; 1/V after an unknown context.
 * As a back-off model: shorter n-grams are uniform, and a context's weight makes k / (c(h) + kV) of that. Contexts
 * that begin with `<s>` are as good as whole ones, at any length.
 */
export function addK(counts: NgramCounts, k: number, tokenizer: TokenizerOptions | null): BackoffTable {
  const { order, vocabulary } = counts
  const words = vocabulary.size - 1
  const levels: TableLevel[] = counts.levels.map(level => {
    const table = emptyTableLevel(level.length, level.size)
    table.log10Prob.fill(-Math.log10(words))
    for (let node = 0; node < level.size; node++) {
      wordsOf(counts, level.length, node, table.words, node * level.length)
    }
    return table
  })
  for (const level of counts.levels) {
    const contexts = level.length === 1 ? 1 : levels[level.length - 2]!.size
    const totals = new Float64Array(contexts)
    const isWhole = (node: number) => level.length === order || level.startsSentence[node] === 1
    for (let node = 0; node < level.size; node++) {
      if (isWhole(node)) totals[level.context[node]!]! += level.raw[node]!
    }
    for (let node = 0; node < level.size; node++) {
      if (!isWhole(node)) continue
      const total = totals[level.context[node]!]!
      levels[level.length - 1]!.log10Prob[node] = Math.log10((level.raw[node]! + k) / (total + k * words))
    }
    if (level.length === 1) continue
    const backoffs = levels[level.length - 2]!.log10Backoff
    for (let context = 0; context < contexts; context++) {
      if (totals[context]! > 0) backoffs[context] = Math.log10((k * words) / (totals[context]! + k * words))
    }
  }
  levels[0]!.log10Prob[SENTENCE_START] = 0
  return { order, vocabulary, levels, tokenizer }
}
