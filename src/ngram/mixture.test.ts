import { describe, expect, it } from 'vitest'
import type { BackoffTable } from './backoff-table.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import type { LanguageModel } from './language-model.ts'
import { mergeTables } from './merge.ts'
import { estimateWeights, MixtureModel } from './mixture.ts'
import { NgramModel } from './model.ts'
import { measurePerplexity } from './perplexity.ts'
import { smooth } from './smoothing.ts'
import { sumAfter } from './sum-after.ts'
import { TableIndex } from './table-index.ts'

const train = (text: string, order = 3): BackoffTable =>
  smooth(countNgrams(new Corpus().append(text), order), { method: 'absolute' })
const general = train('play some music\nwhat is the weather\nplay the news\nturn the light on\nis it late\n')
const medical = train('take the ibuprofen\ntake some aspirin\nis the aspirin late\ntake it\n', 2)
const models = [general, medical].map(table => NgramModel.fromTable(table) as LanguageModel<unknown>)
const [first, second] = models as [LanguageModel<unknown>, LanguageModel<unknown>]
const heldOut = ['take the aspirin', 'is it late', 'take some ibuprofen'].map(line => line.split(' '))

describe('a mixture', () => {
  const mixture = new MixtureModel([
    { model: first, weight: 0.3 },
    { model: second, weight: 0.7 },
  ])

  it('sums to 1 over the words of both, after known and unknown ones', () => {
    for (const context of [[], ['take'], ['play', 'the'], ['nowhere'], ['is', 'aspirin']]) {
      const state = context.reduce<readonly unknown[]>(
        (before, word) => mixture.score(before, word).state,
        mixture.start(),
      )
      let sum = 0
      for (const word of mixture.words) sum += 10 ** mixture.score(state, word).log10Prob
      // Binaries round.
      expect(sum).toBeCloseTo(1, 3)
    }
  })

  it('knows what either knows', () => {
    expect(mixture.score(mixture.start(), 'ibuprofen').isUnknown).toBe(false)
    expect(mixture.score(mixture.start(), 'nowhere').isUnknown).toBe(true)
  })

  it('refuses weights that are not shares of 1', () => {
    expect(() => new MixtureModel([{ model: first, weight: 0.5 }])).toThrow(/sum to 1/)
    expect(() => new MixtureModel([])).toThrow(/at least one/)
  })
})

describe('weights by expectation maximisation', () => {
  it('are better than any others', async () => {
    const { weights, perplexity } = await estimateWeights(models, heldOut)
    expect(weights[0]! + weights[1]!).toBeCloseTo(1, 9)
    const at = async (weight: number) => {
      const mixture = new MixtureModel([
        { model: first, weight },
        { model: second, weight: 1 - weight },
      ])
      return (await measurePerplexity(mixture, heldOut)).excludingUnknown
    }
    expect(await at(weights[0]!)).toBeCloseTo(perplexity, 3)
    for (const weight of [0, 0.1, 0.3, 0.5, 0.7, 0.9, 1])
      expect(await at(weight)).toBeGreaterThan(perplexity - 1e-3)
  })

  it('refuses to guess from nothing', async () => {
    await expect(estimateWeights(models, [])).rejects.toThrow(/no held-out text/)
  })
})

describe('one table of several', () => {
  const merged = mergeTables([
    { table: general, weight: 0.3 },
    { table: medical, weight: 0.7 },
  ])
  const index = new TableIndex(merged)

  it('sums to 1', () => {
    for (const words of ['', 'take', 'play the', 'is the', 'some aspirin']) {
      const context = words
        .split(' ')
        .filter(Boolean)
        .map(word => merged.vocabulary.find(word)!)
      expect(sumAfter(merged, index, context)).toBeCloseTo(1, 5)
    }
  })

  it('has each n-gram at its mixed probability', () => {
    const mixture = new MixtureModel([
      { model: first, weight: 0.3 },
      { model: second, weight: 0.7 },
    ])
    const ids = ['<s>', 'take', 'the'].map(word => merged.vocabulary.find(word)!)
    const state = mixture.score(mixture.start(), 'take').state
    expect(index.log10Prob(2, ids, 0)).toBeCloseTo(mixture.score(mixture.start(), 'take').log10Prob, 3)
    expect(index.log10Prob(2, ids, 1)).toBeCloseTo(mixture.score(state, 'the').log10Prob, 1)
  })
})
