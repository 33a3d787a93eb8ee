import { expect, it } from 'vitest'
import type { LanguageModel } from '../../src/ngram/language-model.ts'
import { plainTokenizer } from '../../src/ngram/tokenizer.ts'
import { HotwordTrie } from './hotword-trie.ts'
import { WordScorer } from './word-scorer.ts'

/** Remembers what it was asked; each known word costs a tenth, others one, the end a half. */
const model: LanguageModel<readonly string[]> = {
  words: ['take', 'aspirin', 'New'],
  start: () => ['<s>'],
  empty: () => [],
  score(state, word) {
    const isUnknown = !['take', 'aspirin', '</s>', 'New'].includes(word)
    const log10Prob = word === '</s>' ? -0.5 : isUnknown ? -1 : -0.1
    return { log10Prob, isUnknown, state: [...state, word] }
  },
  key: state => state.join(' '),
}

function scorer(options: { hotwords?: string[]; wordBonus?: number; withModel?: boolean } = {}) {
  const tokens: string[] = []
  const made = new WordScorer({
    model: options.withModel === false ? null : (model as LanguageModel<unknown>),
    tokenizer: plainTokenizer,
    weight: 0.5,
    wordBonus: options.wordBonus ?? 0,
    hotwords: options.hotwords ? new HotwordTrie(options.hotwords, 3) : null,
    textOf: id => tokens[id]!,
  })
  const states = (...texts: string[]) => {
    const all = [made.start()]
    for (const text of texts) {
      tokens.push(text)
      all.push(made.extend(all.at(-1)!, tokens.length - 1))
    }
    return all
  }
  return { made, states, last: (...texts: string[]) => states(...texts).at(-1)! }
}

it('scores a word when the next one begins, and the last one with the end', () => {
  const { made, states } = scorer()
  const [, take, asp, irin, dot] = states(' Take', ' asp', 'irin', '.')
  expect(take!.log10).toBe(0)
  expect(asp!.log10).toBeCloseTo(-0.1)
  expect(irin!.log10).toBeCloseTo(-0.1)
  const end = made.end(dot!)
  expect(end.log10).toBeCloseTo(-0.1 - 0.1 - 0.5)
  expect(end.score).toBeCloseTo(0.5 * Math.LN10 * end.log10!)
  expect((end.model as readonly string[]).at(-1)).toBe('<s>')
})

it('knows a word by its small letters, and as it is where that is known', () => {
  const { made, last } = scorer()
  expect(made.end(last(' TAKE')).model).toContain('take')
  expect(made.end(last(' New')).model).toContain('New')
})

it('a sentence that ends begins anew, and isn’t ended twice', () => {
  const { made, last } = scorer()
  const end = made.end(last(' take', '.', ' aspirin', '.'))
  expect(end.log10).toBeCloseTo(2 * (-0.1 - 0.5))
  expect(made.end(made.start()).log10).toBe(0)
})

it('gives a bonus for each word, and none for signs', () => {
  const { made, last } = scorer({ wordBonus: 0.7, withModel: false })
  const end = made.end(last(' take', ' -', ' two', '!'))
  expect(end.log10).toBeNull()
  expect(end.score).toBeCloseTo(1.4)
})

it('lends to the beginning of a hotword, takes back what breaks off, keeps what is complete', () => {
  const { made, states, last } = scorer({ hotwords: ['Xarelto'], withModel: false })
  const [, begun, more, broken] = states(' Xar', 'el', 'ia')
  expect(begun!.bonus).toBeGreaterThan(0)
  expect(more!.bonus).toBeGreaterThan(begun!.bonus)
  expect(broken!.bonus).toBe(0)
  expect(made.end(last(' Xar', 'elto', '.')).bonus).toBe(3)
  expect(last(' xarelto,', ' twice').bonus).toBe(3)
  // Part of a word isn't the word, and half of one isn't either.
  expect(made.end(last(' xareltos')).bonus).toBe(0)
  expect(made.end(last(' xar')).bonus).toBe(0)
})

it('a phrase is worth its words once its last one is there', () => {
  const { made, last } = scorer({ hotwords: ['Mount Rainier'], withModel: false })
  expect(made.end(last(' Mount', ' Rain', 'ier')).bonus).toBe(6)
  expect(made.end(last(' Mount', ' Everest')).bonus).toBe(0)
  expect(made.end(last(' Mount')).bonus).toBe(0)
})
