import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { Corpus } from './corpus.ts'
import { countNgrams, wordsOf } from './count.ts'
import { detokenize, type Tokenization, tokenize } from './tokenizer.ts'
import { checkArrays, Vocabulary } from './vocabulary.ts'

describe('vocabulary', () => {
  it('gives each word one id and its spelling back', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: 'binary' }), { maxLength: 40 }), words => {
        const vocabulary = new Vocabulary()
        const ids = words.map(word => vocabulary.add(word))
        const copy = new Vocabulary(vocabulary.arrays())
        checkArrays(vocabulary.arrays())
        words.forEach((word, index) => {
          expect(vocabulary.word(ids[index]!)).toBe(word)
          expect(copy.find(`«${word}»`, 1, 1 + word.length)).toBe(ids[index])
        })
        expect(vocabulary.size).toBe(new Set(['<unk>', '<s>', '</s>', ...words]).size)
      }),
      { numRuns: 40 },
    )
  })

  it('grows beyond its first tables', () => {
    const vocabulary = new Vocabulary()
    const words = Array.from({ length: 5000 }, (_, index) => `${index}音`)
    for (const word of words) vocabulary.add(word)
    words.forEach((word, index) => {
      if (vocabulary.find(word) !== index + 3 || vocabulary.word(index + 3) !== word) expect.fail(word)
    })
  })

  it('knows what it lacks', () => {
    const vocabulary = new Vocabulary()
    vocabulary.add('é')
    expect(vocabulary.find('e')).toBeUndefined()
    expect(vocabulary.find('é')).toBe(3)
    expect(vocabulary.idOf('nowhere')).toBe(0)
    expect(() => vocabulary.word(4)).toThrow(RangeError)
  })
})

describe('corpus', () => {
  it('reads the same, however the text is cut', () => {
    const text = 'one  two\tthree\r\n\n four\nfive six'
    const whole = new Corpus().append(text).end()
    for (let cut = 0; cut <= text.length; cut++) {
      const corpus = new Corpus().append(text.slice(0, cut)).append(text.slice(cut)).end()
      expect(corpus.tokens).toEqual(whole.tokens)
    }
    expect(Array.from(whole.tokens)).toEqual([1, 3, 4, 5, 2, 1, 2, 1, 6, 2, 1, 7, 8, 2])
    expect(whole.sentences).toBe(4)
    expect(whole.words).toBe(6)
  })

  it('refuses special words and names the line, or skips them', () => {
    expect(() => new Corpus().append('fine\nnot <s> fine\n')).toThrow(/^line 2: '<s>' can't be/)
    expect(() => new Corpus().append('<unk>\n')).toThrow(/^line 1: '<unk>'/)
    expect(new Corpus({ specialWords: 'skip' }).append('not <s> fine\n').words).toBe(2)
  })

  it('makes <unk> of words outside of a closed vocabulary', () => {
    const corpus = new Corpus({ closedVocabulary: ['yes', 'no'] }).append('yes maybe no\n')
    expect(Array.from(corpus.tokens)).toEqual([1, 3, 0, 4, 2])
  })

  it('refuses to count nothing, or to an order that makes no sense', () => {
    expect(() => countNgrams(new Corpus().end(), 3)).toThrow(/empty/)
    expect(() => countNgrams(new Corpus().append('a\n'), 0)).toThrow(/from 1 to 10/)
    expect(() => countNgrams(new Corpus().append('a\n'), 11)).toThrow(/from 1 to 10/)
  })
})

describe('counts', () => {
  it('are those of counting one by one, at every order', () => {
    const sentence = fc.array(fc.constantFrom('a', 'b', 'c'), { maxLength: 7 })
    fc.assert(
      fc.property(
        fc.array(sentence, { minLength: 1, maxLength: 10 }),
        fc.integer({ min: 1, max: 6 }),
        (text, order) => {
          const corpus = new Corpus().append(text.map(words => `${words.join(' ')}\n`).join(''))
          const counts = countNgrams(corpus, order)
          const raw = new Map<string, number>()
          for (const words of text) {
            const padded = ['<s>', ...words, '</s>']
            for (let end = 1; end < padded.length; end++) {
              for (let start = Math.max(0, end - order + 1); start <= end; start++) {
                const key = padded.slice(start, end + 1).join(' ')
                raw.set(key, (raw.get(key) ?? 0) + 1)
              }
            }
          }
          const left = new Map<string, number>()
          for (const key of raw.keys()) {
            const suffix = key.split(' ').slice(1).join(' ')
            left.set(suffix, (left.get(suffix) ?? 0) + 1)
          }
          for (const level of counts.levels) {
            const words = new Uint32Array(level.length)
            for (let node = 0; node < level.size; node++) {
              wordsOf(counts, level.length, node, words, 0)
              const key = Array.from(words, id => counts.vocabulary.word(id)).join(' ')
              expect(level.raw[node]).toBe(raw.get(key) ?? 0)
              const isWhole = level.length === order || key.startsWith('<s>')
              expect(level.adjusted[node]).toBe((isWhole ? raw : left).get(key) ?? 0)
            }
          }
          const total = counts.levels.slice(1).reduce((sum, { size }) => sum + size, 0)
          expect(total).toBe([...raw.keys()].filter(key => key.includes(' ')).length)
        },
      ),
      { numRuns: 60 },
    )
  })
})

describe('tokenizer', () => {
  const options = (tokenization: Tokenization, locale: string | null = null) => ({
    tokenization,
    lowercase: true,
    locale,
  })

  it.each([
    ['Play  SOME music', options('whitespace'), ['play', 'some', 'music'], 'play some music'],
    ['我喜欢音乐。', options('characters'), ['我', '喜', '欢', '音', '乐', '。'], '我喜欢音乐。'],
    ['a b', options('characters'), ['a', '▁', 'b'], 'a b'],
    ['我喜欢音乐。', options('segments', 'zh'), ['我', '喜欢', '音乐'], '我喜欢音乐'],
    ['It’s on, now!', options('segments', 'en'), ['it’s', 'on', 'now'], 'it’s on now'],
  ])('cuts %s and puts it together', (text, how, words, together) => {
    expect(tokenize(text, how)).toEqual(words)
    expect(detokenize(words, how)).toBe(together)
    const corpus = new Corpus({ tokenizer: how }).append(`${text}\n`)
    expect(Array.from(corpus.tokens.subarray(1, -1), id => corpus.vocabulary.word(id))).toEqual(words)
  })
})
