import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import type { BackoffTable } from './backoff-table.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import goldens from './goldens/goldens.json' with { type: 'json' }
import { type Smoothing, type SmoothingOptions, smooth } from './smoothing.ts'
import { sumAfter } from './sum-after.ts'
import { TableIndex } from './table-index.ts'

const text = readFileSync(new URL('./goldens/text.txt', import.meta.url), 'utf8')
const corpus = new Corpus().append(text).end()
const counts = countNgrams(corpus, 3)

const nltk: { smoothing: Smoothing; options?: SmoothingOptions }[] = [
  { smoothing: { method: 'laplace' } },
  { smoothing: { method: 'add-k', k: 0.1 } },
  { smoothing: { method: 'absolute', discount: 0.75 }, options: { unigramMass: 'none' } },
  { smoothing: { method: 'interpolated-kneser-ney', discount: 0.6 }, options: { unigramMass: 'none' } },
]
const byTheBook: { smoothing: Smoothing; options?: SmoothingOptions }[] = [
  { smoothing: { method: 'katz' } },
  { smoothing: { method: 'kneser-ney' } },
]

describe.each([...nltk, ...byTheBook])('$smoothing.method', ({ smoothing, options }) => {
  it('equals its reference (NLTK; Katz 1987 and Kneser and Ney 1995 written out)', () => {
    const table = smooth(counts, smoothing, options)
    const index = new TableIndex(table)
    const expected = goldens.probabilities[smoothing.method as keyof typeof goldens.probabilities]
    const differences = goldens.queries.map((words, query) => {
      const ids = words.map(word => table.vocabulary.find(word)!)
      return Math.abs(10 ** index.log10Prob(ids.length, ids, 0) / expected[query]! - 1)
    })
    // Relative; 1e-4 in log10 is 2.3e-4 here.
    expect(Math.max(...differences)).toBeLessThan(2e-6)
  })
})

const small = new Corpus().append(
  'the cat sat\nthe cat ran home\na dog sat\nthe dog ran\nthe dog ran home\n\na cat and a dog sat\nthe cat sat\ncat\n',
)
const all: { name: string; smoothing: Smoothing; options?: SmoothingOptions }[] = [
  { name: 'laplace', smoothing: { method: 'laplace' } },
  { name: 'add-k', smoothing: { method: 'add-k', k: 0.01 } },
  { name: 'absolute', smoothing: { method: 'absolute' } },
  { name: 'absolute, pruned', smoothing: { method: 'absolute' }, options: { prune: [0, 1] } },
  { name: 'katz', smoothing: { method: 'katz' } },
  { name: 'katz, pruned', smoothing: { method: 'katz' }, options: { prune: [0, 0, 1] } },
  { name: 'kneser-ney', smoothing: { method: 'kneser-ney' } },
  { name: 'kneser-ney, pruned', smoothing: { method: 'kneser-ney' }, options: { prune: [0, 1] } },
  { name: 'interpolated', smoothing: { method: 'interpolated-kneser-ney' } },
  { name: 'undiscounted words', smoothing: { method: 'absolute' }, options: { unigramMass: 'none' } },
  {
    name: 'modified',
    smoothing: { method: 'modified-kneser-ney', discountFallback: [0.5, 1, 1.5] },
  },
  {
    name: 'modified, pruned',
    smoothing: { method: 'modified-kneser-ney', discountFallback: [0.5, 1, 1.5] },
    options: { prune: [1, 1, 2], unigramMass: 'unknown' },
  },
]

/** Every context that the model knows, and some that it doesn't. */
function* contextsOf(table: BackoffTable): Generator<number[]> {
  yield []
  for (const level of table.levels.slice(0, -1)) {
    for (let node = 0; node < level.size; node++) {
      yield Array.from(level.words.subarray(node * level.length, (node + 1) * level.length))
    }
  }
  yield [3, 3]
  yield [0, 0]
  yield [4, 0]
}

describe.each(all)('the probabilities after every context sum to 1: $name', ({ smoothing, options }) => {
  it.each([1, 2, 3, 4])('order %i', order => {
    const table = smooth(countNgrams(small, order), smoothing, {
      ...options,
      ...(options?.prune && { prune: options.prune.slice(0, order) }),
    })
    const index = new TableIndex(table)
    for (const context of contextsOf(table)) expect(sumAfter(table, index, context)).toBeCloseTo(1, 5)
  })
})

describe('what cannot be smoothed', () => {
  it('says what to do about a text too small for modified Kneser-Ney', () => {
    expect(() => smooth(countNgrams(small, 3), { method: 'modified-kneser-ney' })).toThrow(
      /too small or too regular.*fallback discounts/,
    )
  })

  it.each([
    [{ prune: [1, 0] }, /must not fall/],
    [{ prune: [0.5] }, /whole numbers/],
    [{ prune: [0, 0, 0, 1] }, /4 pruning thresholds for order 3/],
  ] as const)('refuses %o', (options, message) => {
    expect(() => smooth(counts, { method: 'absolute' }, options)).toThrow(message)
  })

  it('refuses discounts and additions out of range, and pruning with add-k', () => {
    expect(() => smooth(counts, { method: 'absolute', discount: 1 })).toThrow(/between 0 and 1/)
    expect(() => smooth(counts, { method: 'add-k', k: 0 })).toThrow(/above 0/)
    expect(() => smooth(counts, { method: 'laplace' }, { prune: [0, 1] })).toThrow(/prune with another/)
    expect(() => smooth(counts, { method: 'katz', threshold: 0 })).toThrow(/at least 1/)
  })
})
