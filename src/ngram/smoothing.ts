/** From counts to probabilities: which smoothings there are, and the one door to all of them. */
import { addK } from './add-k.ts'
import type { BackoffTable } from './backoff-table.ts'
import type { NgramCounts } from './count.ts'
import { discountCounts } from './discounting.ts'
import { NgramError } from './ngram-error.ts'
import type { TokenizerOptions } from './tokenizer.ts'

/** How the counts become probabilities. */
export type Smoothing =
  /** (c + 1) / (N + V): p is uniform after contexts that never occurred. */
  | { readonly method: 'laplace' }
  /** (c + k) / (N + kV), also known as Lidstone's. */
  | { readonly method: 'add-k'; readonly k: number }
  /** The same discount from each count, interpolated with the lower order. Left out: n1 / (n1 + 2 n2), by order. */
  | { readonly method: 'absolute'; readonly discount?: number }
  /** Good-Turing discounts for counts up to `threshold` (5), back-off elsewhere (Katz 1987). */
  | { readonly method: 'katz'; readonly threshold?: number }
  /** Kneser and Ney 1995: back-off, lower orders by how many contexts a word has. */
  | { readonly method: 'kneser-ney'; readonly discount?: number }
  /** The same, interpolated; one discount an order. */
  | { readonly method: 'interpolated-kneser-ney'; readonly discount?: number }
  /** Chen and Goodman 1998: discounts for counts of 1, 2, and 3 or more, by order. What KenLM's lmplz does. */
  | {
      readonly method: 'modified-kneser-ney'
      /** lmplz's --discount_fallback: what to take where a small text has no n1..n4 (usually 0.5, 1, 1.5). */
      readonly discountFallback?: readonly [number, number, number]
    }

/** The names of all methods. */
export const SMOOTHING_METHODS = [
  'laplace',
  'add-k',
  'absolute',
  'katz',
  'kneser-ney',
  'interpolated-kneser-ney',
  'modified-kneser-ney',
] as const satisfies readonly Smoothing['method'][]

/** Who gets what the discounts take from single words. */
export type UnigramMass =
  /** All words alike, `<unk>` included: lmplz's default. */
  | 'uniform'
  /** `<unk>` alone: SRILM, lmplz --interpolate_unigrams 0. */
  | 'unknown'
  /** Nobody: single words aren't discounted, `<unk>` is impossible. NLTK's way. */
  | 'none'

/** What else a model depends on. */
export interface SmoothingOptions {
  /**
   * lmplz's --prune, by order: n-grams that occur at most so often are left out, their mass goes to the back-off.
   * The last number holds for all higher orders. Must not fall. Left out: nothing is pruned.
   */
  readonly prune?: readonly number[]
  /** Where the single words' spare mass goes. Left out: `uniform`. Laplace and add-k have their own way. */
  readonly unigramMass?: UnigramMass
  /** Noted in the model. */
  readonly tokenizer?: TokenizerOptions
}

/**
 * Makes a back-off model of counts.
 * @throws NgramError where the smoothing has no answer for these counts, or the options contradict each other
 * @example smooth(countNgrams(corpus, 3), { method: 'modified-kneser-ney' })
 */
export function smooth(
  counts: NgramCounts,
  smoothing: Smoothing,
  options: SmoothingOptions = {},
): BackoffTable {
  const prune = pruneThresholds(options.prune ?? [], counts.order)
  switch (smoothing.method) {
    case 'laplace':
    case 'add-k': {
      const k = smoothing.method === 'laplace' ? 1 : smoothing.k
      if (!(k > 0)) throw new NgramError(`add-k needs a k above 0, not ${k}`)
      if (prune.some(threshold => threshold > 0)) {
        throw new NgramError('add-k gives what is pruned no other place: prune with another smoothing')
      }
      return addK(counts, k, options.tokenizer ?? null)
    }
    default:
      return discountCounts(counts, smoothing, {
        prune,
        unigramMass: options.unigramMass ?? 'uniform',
        tokenizer: options.tokenizer ?? null,
      })
  }
}

/** One threshold an order. */
function pruneThresholds(given: readonly number[], order: number): number[] {
  const thresholds = Array.from({ length: order }, (_, index) => given[index] ?? given.at(-1) ?? 0)
  thresholds.forEach((threshold, index) => {
    if (!Number.isInteger(threshold) || threshold < 0) {
      throw new NgramError(`pruning takes whole numbers from 0, not ${threshold}`)
    }
    if (index > 0 && threshold < thresholds[index - 1]!) {
      throw new NgramError(`pruning must not fall from one order to the next: ${thresholds.join(' ')}`)
    }
  })
  if (given.length > order) throw new NgramError(`${given.length} pruning thresholds for order ${order}`)
  return thresholds
}
