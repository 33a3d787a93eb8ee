/** Entropy pruning (Stolcke 1998): drops the n-grams that the model would hardly miss. */
import { type BackoffTable, filterTableLevel } from './backoff-table.ts'
import { completeTable } from './complete-table.ts'
import { NgramError } from './ngram-error.ts'
import { contextsOf, renormalize, spareMass } from './renormalize.ts'
import { TableIndex } from './table-index.ts'
import { SENTENCE_END, SENTENCE_START } from './vocabulary.ts'

/**
 * Drops each n-gram without which the model's perplexity rises by less than `threshold`, relatively, all else as it
 * is; long ones first, never one that a longer one begins with. What SRILM's `ngram -prune` does. The table given
 * stays as it was.
 * @param threshold e.g. 1e-8 for a little, 1e-6 for a lot
 * @throws NgramError for a threshold that isn't above 0
 */
export function pruneByEntropy(given: BackoffTable, threshold: number): BackoffTable {
  if (!(threshold > 0)) throw new NgramError(`the threshold must be above 0, not ${threshold}`)
  const { table: complete } = completeTable(given)
  let table: BackoffTable = {
    ...complete,
    levels: complete.levels.map(level => ({ ...level, log10Backoff: level.log10Backoff.slice() })),
  }
  for (let length = table.order; length >= 2; length--) {
    const keeps = keptNgrams(table, length, threshold)
    const levels = [...table.levels]
    levels[length - 1] = filterTableLevel(table.levels[length - 1]!, keeps)
    table = { ...table, levels }
    if (table.levels[length - 1]!.size === 0)
      table = { ...table, order: length - 1, levels: levels.slice(0, -1) }
  }
  // A suffix may have gone that a longer n-gram stands on.
  return renormalize(completeTable(table).table)
}

function keptNgrams(table: BackoffTable, length: number, threshold: number): Uint8Array {
  const level = table.levels[length - 1]!
  const below = table.levels[length - 2]!
  const index = new TableIndex(table)
  const contexts = contextsOf(table, index, length)
  const { numerator, denominator } = spareMass(table, index, length, contexts)
  const keeps = needed(table, index, length)
  const contextProbs = new Float64Array(below.size).fill(Number.NaN)
  for (let node = 0; node < level.size; node++) {
    if (keeps[node] === 1) continue
    const context = contexts[node]!
    const words = node * length
    if (Number.isNaN(contextProbs[context]!))
      contextProbs[context] = contextProb(index, length - 1, level.words, words)
    const logProb = level.log10Prob[node]! * Math.LN10
    const logBelow = index.log10Prob(length - 1, level.words, words + 1) * Math.LN10
    const prob = Math.exp(logProb)
    const spare = Math.max(numerator[context]!, 0)
    const newBackoff = Math.log((spare + prob) / (denominator[context]! + Math.exp(logBelow)))
    // Where all is seen there is no old back-off to compare with; its share of the sum is nothing.
    const backoffChange = spare > 0 ? newBackoff - Math.log(spare / denominator[context]!) : 0
    const change =
      -contextProbs[context]! * (prob * (logBelow + newBackoff - logProb) + spare * backoffChange)
    if (!(Math.expm1(change) < threshold)) keeps[node] = 1
  }
  return keeps
}

/** 1 for n-grams that longer ones begin with. */
function needed(table: BackoffTable, index: TableIndex, length: number): Uint8Array {
  const keeps = new Uint8Array(table.levels[length - 1]!.size)
  const above = table.levels[length]
  for (let node = 0; above && node < above.size; node++) {
    keeps[index.find(length, above.words, node * (length + 1))] = 1
  }
  return keeps
}

/** How probable it is to meet these words in a text; `<s>` is met as often as `</s>`. */
function contextProb(index: TableIndex, length: number, words: Uint32Array, offset: number): number {
  let log10Prob = 0
  for (let count = 1; count <= length; count++) {
    const isStart = count === 1 && words[offset] === SENTENCE_START
    log10Prob += isStart ? index.log10Prob(1, [SENTENCE_END], 0) : index.log10Prob(count, words, offset)
  }
  return 10 ** log10Prob
}
