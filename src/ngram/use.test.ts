/** What models are used for: pruning, generating, rescoring. */
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import { generate } from './generate.ts'
import { HOTWORD_BONUS, Hotwords } from './hotwords.ts'
import { NgramModel } from './model.ts'
import { measurePerplexity } from './perplexity.ts'
import { pruneByEntropy } from './prune.ts'
import { rescore } from './rescore.ts'
import { smooth } from './smoothing.ts'
import { sumAfter } from './sum-after.ts'
import { TableIndex } from './table-index.ts'

const text = readFileSync(new URL('./goldens/text.txt', import.meta.url), 'utf8')
const heldOut = readFileSync(new URL('./goldens/held-out.txt', import.meta.url), 'utf8')
  .trimEnd()
  .split('\n')
const table = smooth(countNgrams(new Corpus().append(text), 3), { method: 'modified-kneser-ney' })
const model = NgramModel.fromTable(table)

describe('entropy pruning', () => {
  it.each([1e-7, 1e-5, 1e-3, 1])('leaves a model that sums to 1, threshold %f', threshold => {
    const pruned = pruneByEntropy(table, threshold)
    const index = new TableIndex(pruned)
    for (const context of [[], [1], [3], [1, 3], [3, 4], [4, 7], [10, 5], [0, 0]]) {
      expect(sumAfter(pruned, index, context)).toBeCloseTo(1, 4)
    }
  })

  it('drops more for a higher threshold, and costs perplexity', async () => {
    const sizes: number[] = []
    const perplexities: number[] = []
    const sentences = heldOut.map(line => line.split(' '))
    for (const threshold of [1e-9, 1e-5, 1e-4]) {
      const pruned = NgramModel.fromTable(pruneByEntropy(table, threshold))
      sizes.push(pruned.sizes.slice(1).reduce((sum, size) => sum + size, 0))
      perplexities.push((await measurePerplexity(pruned, sentences)).excludingUnknown)
    }
    expect(sizes).toEqual(sizes.toSorted((one, other) => other - one))
    expect(sizes[2]).toBeLessThan(sizes[0]! / 4)
    expect(perplexities[2]).toBeGreaterThan(perplexities[0]!)
  })

  it('leaves the table that it was given alone, and refuses 0', () => {
    const before = table.levels[1]!.log10Backoff.slice()
    pruneByEntropy(table, 1e-4)
    expect(table.levels[1]!.log10Backoff).toEqual(before)
    expect(() => pruneByEntropy(table, 0)).toThrow(/above 0/)
  })
})

describe('generation', () => {
  const maximumWords = 25

  it('draws the same sentence for the same seed', () => {
    const draw = (seed: number) => generate(model, { choice: { method: 'sample', seed }, maximumWords })
    expect(draw(7)).toEqual(draw(7))
    expect(draw(7).words).not.toEqual(draw(8).words)
  })

  it('draws words as often as they are probable', () => {
    const toss = new Corpus().append('heads\nheads\nheads\ntails\n')
    const coin = NgramModel.fromTable(smooth(countNgrams(toss, 2), { method: 'absolute', discount: 0.01 }))
    let heads = 0
    for (let seed = 0; seed < 2000; seed++) {
      const { words } = generate(coin, { choice: { method: 'sample', seed }, maximumWords: 1 })
      if (words[0] === 'heads') heads++
    }
    expect(heads / 2000).toBeCloseTo(0.75, 1)
  })

  it('finds with a beam what is at least as probable as the greedy way', () => {
    const greedy = generate(model, { choice: { method: 'argmax' }, maximumWords })
    const beam = generate(model, { choice: { method: 'beam', width: 6 }, maximumWords })
    expect(generate(model, { choice: { method: 'beam', width: 1 }, maximumWords })).toEqual(greedy)
    expect(beam.log10Prob).toBeGreaterThanOrEqual(greedy.log10Prob)
  })

  it('goes on from a prefix, never with <unk>', () => {
    const { words } = generate(model, { choice: { method: 'argmax' }, maximumWords, prefix: ['and', 'god'] })
    expect(words.slice(0, 3)).toEqual(['and', 'god', 'said'])
    const hot = generate(model, {
      choice: { method: 'sample', seed: 3, temperature: 5, topK: 50 },
      maximumWords,
    })
    expect(hot.words).not.toContain('<unk>')
  })

  it('refuses what makes no sense', () => {
    expect(() => generate(model, { choice: { method: 'beam', width: 0 }, maximumWords })).toThrow(/beam of 0/)
    expect(() =>
      generate(model, { choice: { method: 'sample', seed: 1, temperature: 0 }, maximumWords }),
    ).toThrow(/temperature/)
  })
})

describe('rescoring', () => {
  const hypotheses = [
    { text: 'and god said let there bee light', acousticLogprob: -4 },
    { text: 'and god said let there be light', acousticLogprob: -4.5 },
  ]

  it('prefers what the model expects, and shows what the score is made of', () => {
    const [best] = rescore(model, hypotheses, { ngramWeight: 0.5, wordBonus: 0.1 })
    expect(best).toMatchObject({ index: 1, wordCount: 7, unknownWords: [] })
    expect(best!.parts.acoustic).toBe(-4.5)
    expect(best!.parts.ngram).toBeCloseTo(0.5 * best!.ngramLogprob!, 9)
    expect(best!.parts.length).toBeCloseTo(0.7, 9)
    expect(best!.score).toBeCloseTo(best!.parts.acoustic + best!.parts.ngram + best!.parts.length, 9)
  })

  it('changes nothing without weight, keeps equals in order, takes none', () => {
    const order = rescore(model, hypotheses, { ngramWeight: 0, wordBonus: 0 }).map(({ index }) => index)
    expect(order).toEqual([0, 1])
    const twins = [hypotheses[0]!, hypotheses[0]!]
    expect(rescore(model, twins, { ngramWeight: 1, wordBonus: 0 }).map(({ index }) => index)).toEqual([0, 1])
    expect(rescore(model, [], { ngramWeight: 1, wordBonus: 0 })).toEqual([])
  })

  it('names words that the model does not know', () => {
    const [, worse] = rescore(model, hypotheses, { ngramWeight: 0.5, wordBonus: 0 })
    expect(worse!.unknownWords).toEqual(['bee'])
  })

  it('counts hotwords however they are written, the longest first, each word once', () => {
    const hotwords = new Hotwords(['light', 'let there be', 'Let there be light', 'C++', 'ibuprofen'])
    expect(hotwords.count('And God said: "Let there be light!" Light.')).toBe(5)
    expect(hotwords.count('let there bee lights')).toBe(0)
    expect(new Hotwords([]).count('let there be light')).toBe(0)
  })

  it('prefers hotwords, without a model too', () => {
    const options = { ngramWeight: 0, wordBonus: 0, hotwords: new Hotwords(['be']) }
    const [best] = rescore(null, hypotheses, options)
    expect(best).toMatchObject({
      index: 1,
      ngramLogprob: null,
      unknownWords: [],
      score: -4.5 + HOTWORD_BONUS,
    })
  })
})
