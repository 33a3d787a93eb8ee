import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { readArpa } from './arpa-read.ts'
import { compareTables } from './compare.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import goldens from './goldens/goldens.json' with { type: 'json' }
import { NgramModel } from './model.ts'
import { measurePerplexity, scoreSentence } from './perplexity.ts'
import { type Smoothing, type SmoothingOptions, smooth } from './smoothing.ts'

const read = (name: string) => readFileSync(new URL(`./goldens/${name}`, import.meta.url))
const text = read('text.txt').toString()
const heldOut = read('held-out.txt')
  .toString()
  .trimEnd()
  .split('\n')
  .map(line => line.split(' '))

/** What KenLM's query prints: its four numbers, and each sentence's total. */
const printed: Record<string, { numbers: Record<string, number>; totals: number[] }> = goldens.kenlm

interface Case {
  name: string
  order: number
  smoothing?: Smoothing
  options?: SmoothingOptions
}

const modified: Smoothing = { method: 'modified-kneser-ney' }
// The options that make_goldens.py gave lmplz.
const cases: Case[] = [
  { name: 'order-1', order: 1 },
  { name: 'order-2', order: 2 },
  { name: 'order-3', order: 3 },
  { name: 'order-5', order: 5, smoothing: { ...modified, discountFallback: [0.5, 1, 1.5] } },
  { name: 'order-4-pruned', order: 4, options: { prune: [0, 0, 1, 2] } },
  { name: 'order-3-pruned-words', order: 3, options: { prune: [1, 1, 2] } },
  { name: 'order-3-unknown', order: 3, options: { unigramMass: 'unknown' } },
]

const train = ({ order, smoothing = modified, options = {} }: Case) =>
  smooth(countNgrams(new Corpus().append(text).end(), order), smoothing, options)

const theirs = (name: string) => readArpa(new Blob([read(`${name}.arpa.gz`)]).stream())

describe.each(cases)("modified Kneser-Ney as KenLM's lmplz has it: $name", { timeout: 30_000 }, golden => {
  it('has the same n-grams, probabilities and back-offs', async () => {
    const ours = train(golden)
    const kenlm = await theirs(golden.name)
    for (const level of compareTables(ours, kenlm)) {
      expect(level).toMatchObject({ onlyInFirst: 0, onlyInSecond: 0 })
      expect(Math.max(level.log10Prob, level.log10Backoff)).toBeLessThan(2e-6)
    }
  })

  it("gives held-out text the perplexity that KenLM's query prints", async () => {
    const expected = printed[golden.name]
    if (!expected) return // KenLM's query takes models of order 2 and more.
    const model = NgramModel.fromTable(train(golden))
    const result = await measurePerplexity(model, heldOut)
    expect(result.unknown).toBe(expected.numbers['OOVs'])
    expect(result.tokens).toBe(expected.numbers['Tokens'])
    expect(result.includingUnknown / expected.numbers['Perplexity including OOVs']!).toBeCloseTo(1, 4)
    expect(result.excludingUnknown / expected.numbers['Perplexity excluding OOVs']!).toBeCloseTo(1, 4)
    heldOut.forEach((words, index) => {
      expect(scoreSentence(model, words).log10Prob).toBeCloseTo(expected.totals[index]!, 2)
    })
  })
})
