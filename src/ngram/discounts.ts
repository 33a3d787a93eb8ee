/** How much each smoothing takes from a count: by order, from how many n-grams occur once, twice, three times, ... */
import type { CountLevel } from './count.ts'
import { NgramError } from './ngram-error.ts'
import type { Smoothing } from './smoothing.ts'

/** The methods that take mass from what was seen. */
export type DiscountMethod = Exclude<Smoothing, { method: 'laplace' | 'add-k' }>

/** What is taken from each count: entry c of counts up to the last entry, which holds for all above. */
export type Discounts = readonly number[]

/** @param order of the whole model */
export function discountsOf(level: CountLevel, method: DiscountMethod, order: number): Discounts {
  switch (method.method) {
    case 'modified-kneser-ney':
      return modifiedDiscounts(level, order, method.discountFallback)
    case 'katz':
      return goodTuringDiscounts(level, method.threshold ?? 5)
    case 'absolute':
    case 'kneser-ney':
    case 'interpolated-kneser-ney': {
      const discount = method.discount ?? estimateDiscount(level, method)
      if (!(discount > 0 && discount < 1))
        throw new NgramError(`the discount must lie between 0 and 1, not ${discount}`)
      return [0, discount]
    }
  }
}

/** Entry i: how many n-grams have count i, up to `most`. */
export function countsOfCounts(counts: Uint32Array, most: number): number[] {
  const found = new Array<number>(most + 1).fill(0)
  for (let node = 0; node < counts.length; node++) {
    const count = counts[node]!
    if (count <= most) found[count]!++
  }
  return found
}

/** Chen and Goodman's equation 26, with lmplz's habits. */
function modifiedDiscounts(
  level: CountLevel,
  order: number,
  fallback: readonly [number, number, number] | undefined,
): Discounts {
  const n = countsOfCounts(level.adjusted, 4)
  if (level.length < order && level.isLastWindows) {
    // lmplz (adjust_counts.cc) enters the very last n-gram of each lower order with its raw count. One n-gram
    // matters only in a tiny text; done here so that the numbers are the same there too.
    const node = level.size - 1
    if (level.adjusted[node]! <= 4) n[level.adjusted[node]!]!--
    if (level.raw[node]! <= 4) n[level.raw[node]!]!++
  }
  const [, n1 = 0, n2 = 0] = n
  const discounts = [0]
  for (let count = 1; count <= 3; count++) {
    const share = n1 / (n1 + 2 * n2)
    const discount = count - ((count + 1) * share * n[count + 1]!) / n[count]!
    if (n[count] !== 0 && discount >= 0 && discount <= count) {
      discounts.push(discount)
      continue
    }
    if (fallback) return [0, ...fallback]
    throw new NgramError(
      `the text is too small or too regular for modified Kneser-Ney: of its ${level.length}-grams ${n[count]} have ` +
        `an adjusted count of ${count} and ${n[count + 1]} of ${count + 1}. ` +
        'Give more text, a lower order, or fallback discounts (0.5, 1, 1.5 are usual)',
    )
  }
  return discounts
}

function estimateDiscount(level: CountLevel, method: DiscountMethod): number {
  const [, n1 = 0, n2 = 0] = countsOfCounts(method.method === 'absolute' ? level.raw : level.adjusted, 2)
  // All or none alike: nothing to estimate from; 0.75 is what Kneser and Ney found on most texts.
  return n1 === 0 || n2 === 0 ? 0.75 : n1 / (n1 + 2 * n2)
}

/** Katz's discounts: c - c·d_c for counts up to the threshold, nothing above. */
function goodTuringDiscounts(level: CountLevel, threshold: number): Discounts {
  if (!Number.isInteger(threshold) || threshold < 1)
    throw new NgramError("Katz's threshold must be at least 1")
  const n = countsOfCounts(level.raw, threshold + 1)
  const common = ((threshold + 1) * n[threshold + 1]!) / n[1]!
  const discounts = [0]
  for (let count = 1; count <= threshold; count++) {
    const ratio = (((count + 1) * n[count + 1]!) / (count * n[count]!) - common) / (1 - common)
    // A ratio out of range: too few n-grams to tell. Such counts stay whole, as in SRILM.
    discounts.push(ratio > 0 && ratio <= 1 ? count * (1 - ratio) : 0)
  }
  discounts.push(0)
  return discounts
}
