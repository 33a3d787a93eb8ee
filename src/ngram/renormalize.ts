/** Sets a table's back-off weights anew, so that every context sums to 1 again after n-grams were changed or dropped. */
import { type BackoffTable, log10 } from './backoff-table.ts'
import { NgramError } from './ngram-error.ts'
import { TableIndex } from './table-index.ts'
import { SENTENCE_START } from './vocabulary.ts'

/** Below this there is nothing to back off to, rounding apart. */
const NO_MASS = 1e-6

/** What the n-grams of one length leave to shorter ones, by context: entries of the level below. */
export interface SpareMass {
  /** 1 - Σ p(w | context) over its n-grams. */
  readonly numerator: Float64Array
  /** 1 - Σ p(w | context without its first word) over the same. */
  readonly denominator: Float64Array
}

/**
 * Which n-gram of the level below is each n-gram's context.
 * @throws NgramError when there is none: complete the table first
 */
export function contextsOf(table: BackoffTable, index: TableIndex, length: number): Uint32Array {
  const level = table.levels[length - 1]!
  const contexts = new Uint32Array(level.size)
  for (let node = 0; node < level.size; node++) {
    const context = index.find(length - 1, level.words, node * length)
    if (context < 0) throw new NgramError(`a ${length}-gram's context is not in the model`)
    contexts[node] = context
  }
  return contexts
}

/** @param contexts as `contextsOf` gives them for this length */
export function spareMass(
  table: BackoffTable,
  index: TableIndex,
  length: number,
  contexts: Uint32Array,
): SpareMass {
  const level = table.levels[length - 1]!
  const size = table.levels[length - 2]!.size
  const numerator = new Float64Array(size).fill(1)
  const denominator = new Float64Array(size).fill(1)
  for (let node = 0; node < level.size; node++) {
    const context = contexts[node]!
    numerator[context]! -= 10 ** level.log10Prob[node]!
    denominator[context]! -= 10 ** index.log10Prob(length - 1, level.words, node * length + 1)
  }
  return { numerator, denominator }
}

/**
 * Changes the table's back-offs in place, from short contexts to long ones.
 * @param from the length of n-grams to begin with: shorter ones are right already
 */
export function renormalize(table: BackoffTable, from = 2): BackoffTable {
  const index = new TableIndex(table)
  for (let length = from; length <= table.order; length++) {
    const below = table.levels[length - 2]!
    const { numerator, denominator } = spareMass(table, index, length, contextsOf(table, index, length))
    for (let context = 0; context < below.size; context++) {
      const isWhole = denominator[context]! < NO_MASS
      below.log10Backoff[context] = isWhole ? 0 : log10(numerator[context]! / denominator[context]!)
    }
  }
  return table
}

/** Scales the single words, in place, so that all but `<s>` sum to 1. */
export function renormalizeWords(table: BackoffTable): BackoffTable {
  const { log10Prob } = table.levels[0]!
  let sum = 0
  for (let word = 0; word < log10Prob.length; word++) {
    if (word !== SENTENCE_START) sum += 10 ** log10Prob[word]!
  }
  for (let word = 0; word < log10Prob.length; word++) {
    if (word !== SENTENCE_START) log10Prob[word]! -= Math.log10(sum)
  }
  return table
}
