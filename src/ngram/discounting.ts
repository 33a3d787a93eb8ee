/** Smoothing by discounts, interpolated or by back-off: absolute, Katz, and the three Kneser-Neys. */
import { type BackoffTable, emptyTableLevel, log10, type TableLevel, withoutWords } from './backoff-table.ts'
import { type CountLevel, type NgramCounts, wordsOf } from './count.ts'
import { type DiscountMethod, type Discounts, discountsOf } from './discounts.ts'
import type { UnigramMass } from './smoothing.ts'
import type { TokenizerOptions } from './tokenizer.ts'
import { SENTENCE_START, UNKNOWN } from './vocabulary.ts'

interface DiscountingOptions {
  /** By order. */
  readonly prune: readonly number[]
  readonly unigramMass: UnigramMass
  readonly tokenizer: TokenizerOptions | null
}

/** What is known of the contexts of one level: entries of the level below. */
interface Contexts {
  /** Sum of the counts of what follows. */
  readonly total: Float64Array
  /** What the discounts and pruning take from it. */
  readonly held: Float64Array
}

/** Below this no mass is left for unseen words, rounding apart. */
const NO_MASS = 1e-9

/** Makes the model level by level, from single words up. */
export function discountCounts(
  counts: NgramCounts,
  method: DiscountMethod,
  options: DiscountingOptions,
): BackoffTable {
  const isBackoff = method.method === 'katz' || method.method === 'kneser-ney'
  const usesRawCounts = method.method === 'katz' || method.method === 'absolute'
  let probsBelow = new Float64Array(0)
  const levels: TableLevel[] = []
  const keptNodes: Uint8Array[] = []
  const allProbs: Float64Array[] = []
  // A level's back-off weights are known when the level above is.
  const allBackoffs: Float64Array[] = []

  for (const level of counts.levels) {
    const values = usesRawCounts ? level.raw : level.adjusted
    const discounts = discountsOf(level, method, counts.order)
    const kept = keptOf(level, options.prune[level.length - 1]!)
    const contexts = sumContexts(level, values, discounts, kept, level.length === 1 ? 1 : probsBelow.length)
    const probs = new Float64Array(level.size)
    if (level.length === 1) {
      spreadWords(probs, values, discounts, kept, contexts, options.unigramMass)
    } else if (isBackoff) {
      allBackoffs.push(backOff(level, values, discounts, kept, contexts, probsBelow, probs))
    } else {
      allBackoffs.push(interpolate(level, values, discounts, contexts, probsBelow, probs))
    }
    keptNodes.push(kept)
    allProbs.push(probs)
    probsBelow = probs
  }
  counts.levels.forEach((level, index) => {
    levels.push(toTable(counts, level, keptNodes[index]!, allProbs[index]!, allBackoffs[index]))
  })
  const table = { order: counts.order, vocabulary: counts.vocabulary, levels, tokenizer: options.tokenizer }
  // Thresholds don't fall with the order: where a word is pruned, so is every n-gram with it.
  return keptNodes[0]!.includes(0) ? withoutWords(table, keptNodes[0]!) : table
}

/** 1 for what stays: special words always, others that occur more often than the threshold. */
export function keptOf(level: CountLevel, threshold: number): Uint8Array {
  const kept = new Uint8Array(level.size)
  for (let node = 0; node < level.size; node++) {
    // With no pruning a word of a closed vocabulary stays though it never occurs.
    kept[node] = threshold === 0 || level.raw[node]! > threshold ? 1 : 0
  }
  if (level.length === 1) kept.fill(1, 0, 3)
  return kept
}

/** The discount of a count. */
function discountOf(discounts: Discounts, count: number): number {
  return discounts[Math.min(count, discounts.length - 1)]!
}

function sumContexts(
  level: CountLevel,
  values: Uint32Array,
  discounts: Discounts,
  kept: Uint8Array,
  contextCount: number,
): Contexts {
  const total = new Float64Array(contextCount)
  const held = new Float64Array(contextCount)
  for (let node = 0; node < level.size; node++) {
    const context = level.context[node]!
    const count = values[node]!
    total[context]! += count
    held[context]! += kept[node] === 1 ? discountOf(discounts, count) : count
  }
  return { total, held }
}

/** Single words: what the discounts leave, and their share of the spare mass. */
function spreadWords(
  probs: Float64Array,
  values: Uint32Array,
  discounts: Discounts,
  kept: Uint8Array,
  contexts: Contexts,
  unigramMass: UnigramMass,
): void {
  const total = contexts.total[0]!
  const spare = contexts.held[0]! / total
  // `<s>` is never predicted and has no share.
  let words = -1
  for (let word = 0; word < kept.length; word++) words += kept[word]!
  const share = unigramMass === 'uniform' ? spare / words : 0
  for (let word = 0; word < probs.length; word++) {
    if (kept[word] === 0) continue
    const discount = unigramMass === 'none' ? 0 : discountOf(discounts, values[word]!)
    probs[word] = (values[word]! - discount) / total + share
  }
  if (unigramMass === 'unknown') probs[UNKNOWN]! += spare
  // As in lmplz: 1, so that a sentence scored with its `<s>` is scored right.
  probs[SENTENCE_START] = 1
}

/** Fills `probs`; returns the back-off weights of the contexts. */
function interpolate(
  level: CountLevel,
  values: Uint32Array,
  discounts: Discounts,
  contexts: Contexts,
  below: Float64Array,
  probs: Float64Array,
): Float64Array {
  const weights = new Float64Array(below.length).fill(1)
  for (let context = 0; context < weights.length; context++) {
    if (contexts.total[context]! > 0) weights[context] = contexts.held[context]! / contexts.total[context]!
  }
  for (let node = 0; node < level.size; node++) {
    const context = level.context[node]!
    const count = values[node]!
    probs[node] =
      (count - discountOf(discounts, count)) / contexts.total[context]! +
      weights[context]! * below[level.suffix[node]!]!
  }
  return weights
}

/** Fills `probs` of what is kept; returns the weights that make each context sum to 1. */
function backOff(
  level: CountLevel,
  values: Uint32Array,
  discounts: Discounts,
  kept: Uint8Array,
  { total, held }: Contexts,
  below: Float64Array,
  probs: Float64Array,
): Float64Array {
  const seenBelow = new Float64Array(below.length)
  for (let node = 0; node < level.size; node++) {
    if (kept[node] === 1) seenBelow[level.context[node]!]! += below[level.suffix[node]!]!
  }
  const weights = new Float64Array(below.length).fill(1)
  const totals = total.slice()
  for (let context = 0; context < weights.length; context++) {
    if (total[context] === 0) continue
    const unseen = 1 - seenBelow[context]!
    if (unseen < NO_MASS) {
      // Every word was seen here: nothing to back off to, the seen ones get all.
      totals[context] = total[context]! - held[context]!
      weights[context] = 0
      continue
    }
    // No count was low enough for a discount: one more in the denominator leaves something, as in SRILM.
    let spare = held[context]!
    if (spare / total[context]! < NO_MASS) {
      totals[context] = total[context]! + 1
      spare += 1
    }
    weights[context] = spare / totals[context]! / unseen
  }
  for (let node = 0; node < level.size; node++) {
    if (kept[node] === 0) continue
    const count = values[node]!
    probs[node] = (count - discountOf(discounts, count)) / totals[level.context[node]!]!
  }
  return weights
}

function toTable(
  counts: NgramCounts,
  level: CountLevel,
  kept: Uint8Array,
  probs: Float64Array,
  backoffs: Float64Array | undefined,
): TableLevel {
  let size = 0
  for (let node = 0; node < level.size; node++) if (kept[node] === 1) size++
  const table = emptyTableLevel(level.length, size)
  for (let node = 0, to = 0; node < level.size; node++) {
    if (kept[node] === 0) continue
    wordsOf(counts, level.length, node, table.words, to * level.length)
    table.log10Prob[to] = Math.min(0, log10(probs[node]!))
    table.log10Backoff[to] = backoffs ? log10(backoffs[node]!) : 0
    to++
  }
  return table
}
