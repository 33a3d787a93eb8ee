/** Whether a model is a model: the probabilities of all words after a context. */
import type { BackoffTable } from './backoff-table.ts'
import type { TableIndex } from './table-index.ts'
import { SENTENCE_START } from './vocabulary.ts'

/** Σ p(w | context) over every word but `<s>`: 1, or the table is wrong. For checks; takes time for large vocabularies. */
export function sumAfter(table: BackoffTable, index: TableIndex, context: readonly number[]): number {
  let sum = 0
  for (let word = 0; word < table.vocabulary.size; word++) {
    if (word !== SENTENCE_START) sum += 10 ** index.log10Prob(context.length + 1, [...context, word], 0)
  }
  return sum
}
