import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readArpa } from './arpa-read.ts'
import type { BackoffTable } from './backoff-table.ts'
import { HEADER_BYTES, SECTION_BYTES } from './binary-layout.ts'
import { packModel } from './binary-write.ts'
import { completeTable } from './complete-table.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import { checksum } from './hash.ts'
import { NgramModel } from './model.ts'
import { NgramError } from './ngram-error.ts'
import { scoreSentence } from './perplexity.ts'
import { smooth } from './smoothing.ts'
import { TableIndex } from './table-index.ts'

const text = readFileSync(new URL('./goldens/text.txt', import.meta.url), 'utf8')
const tokenizer = { tokenization: 'whitespace', lowercase: true, locale: null } as const

function trained(order: number): BackoffTable {
  const counts = countNgrams(new Corpus().append(text).end(), order)
  return smooth(counts, { method: 'interpolated-kneser-ney' }, { tokenizer })
}

const table = trained(4)
const packed = packModel(table)

/** Goes along a sentence; every word's log10 probability. */
function along(model: NgramModel, ids: readonly number[]): number[] {
  let state = model.start()
  return ids.map(id => {
    const next = model.empty()
    const log10Prob = model.advance(state, id, next)
    state = next
    return log10Prob
  })
}

describe('the binary', () => {
  it.each([1, 2, 3, 4, 5])('says what the table says, order %i', order => {
    const source = trained(order)
    const model = NgramModel.fromTable(source)
    const index = new TableIndex(source)
    const word = fc.integer({ min: 0, max: 60 }).map(id => (id === 1 ? 2 : id))
    fc.assert(
      fc.property(fc.array(word, { minLength: 1, maxLength: 9 }), ids => {
        along(model, ids).forEach((log10Prob, at) => {
          const words = [1, ...ids.slice(0, at + 1)]
          expect(Math.abs(log10Prob - index.log10Prob(words.length, words, 0))).toBeLessThan(1e-4)
        })
      }),
      { numRuns: 100 },
    )
  })

  it('keeps each n-gram within 1e-4', () => {
    const model = NgramModel.open(packed)
    const index = new TableIndex(table)
    let worst = 0
    for (const line of text.split('\n')) {
      const ids = line.split(' ').map(word => model.vocabulary.idOf(word))
      along(model, ids).forEach((log10Prob, at) => {
        const words = [1, ...ids.slice(0, at + 1)]
        worst = Math.max(worst, Math.abs(log10Prob - index.log10Prob(words.length, words, 0)))
      })
    }
    expect(worst).toBeLessThan(1e-4)
  })

  it('keeps words, sizes and tokenizer, wherever it lies in memory', () => {
    const shifted = new Uint8Array(packed.byteLength + 3)
    shifted.set(new Uint8Array(packed), 3)
    const model = NgramModel.open(shifted.subarray(3))
    expect(model.order).toBe(4)
    expect(model.sizes).toEqual(table.levels.map(({ size }) => size))
    expect(model.tokenizer).toEqual(tokenizer)
    expect([...model.words]).not.toContain('<s>')
    expect(model.vocabulary.word(3)).toBe('in')
  })

  it('takes at most 12 bytes for an n-gram between words', () => {
    const tables = packed.byteLength - packModel(trained(1)).byteLength
    const ngrams = table.levels.slice(1).reduce((sum, { size }) => sum + size, 0)
    expect(tables / ngrams).toBeLessThan(12)
  })

  it('packs the same bytes each time', () => {
    expect(new Uint8Array(packModel(table))).toEqual(new Uint8Array(packed))
  })
})

describe('a damaged binary', () => {
  it('is refused for any changed byte', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: packed.byteLength - 1 }),
        fc.integer({ min: 1, max: 255 }),
        (at, change) => {
          const bytes = new Uint8Array(packed.slice(0))
          bytes[at]! ^= change
          expect(() => NgramModel.open(bytes)).toThrow(NgramError)
        },
      ),
      { numRuns: 100 },
    )
  })

  it.each([0, 7, 40, 47, 200, 5000, -1])('is refused when cut to %i bytes', length => {
    expect(() => NgramModel.open(packed.slice(0, length))).toThrow(NgramError)
  })

  it('is refused when its tables are full, though the checksums are right', () => {
    // The way of a forger: fill the last table and sign anew.
    const bytes = new Uint8Array(packed.slice(0))
    const view = new DataView(bytes.buffer)
    const section = HEADER_BYTES + (view.getUint32(44, true) - 1) * SECTION_BYTES
    const slots = new Uint32Array(
      bytes.buffer,
      view.getFloat64(section, true),
      view.getFloat64(section + 8, true) / 4,
    )
    for (let slot = 0; slot < slots.length; slot += 2) slots[slot] ||= 1
    view.setUint32(section + 16, checksum(slots), true)
    view.setUint32(20, 0, true)
    view.setUint32(20, checksum(new Uint32Array(bytes.buffer, 0, view.getUint32(16, true) / 4)), true)
    expect(() => NgramModel.open(bytes)).toThrow(/another number/)
  })

  it('says what is wrong', () => {
    const changed = (at: number, value: number) => {
      const bytes = new Uint8Array(packed.slice(0))
      bytes[at]! ^= value
      return bytes
    }
    expect(() => NgramModel.open(new TextEncoder().encode('\\data\\\nngram 1=2\n'.padEnd(100)))).toThrow(
      /not a binary/,
    )
    expect(() => NgramModel.open(changed(8, 3))).toThrow(/version 2/)
    expect(() => NgramModel.open(changed(12, 1))).toThrow(/byte order/)
    expect(() => NgramModel.open(changed(24, 1))).toThrow(/header is damaged/)
    expect(() => NgramModel.open(changed(packed.byteLength - 500, 1))).toThrow(/another checksum/)
  })
})

describe('states', () => {
  const model = NgramModel.open(packed)

  it('stay as they were when scored from', () => {
    const state = model.start()
    const before = model.key(state)
    model.score(state, 'god')
    expect(model.key(state)).toBe(before)
  })

  it('are equal only where all words are equally probable after them', () => {
    const pick = fc.constantFrom('and', 'god', 'the', 'said', 'let', 'there', 'be', 'light', 'nowhere')
    const stateAfter = (words: string[]) =>
      words.reduce((state, word) => model.score(state, word).state, model.start())
    fc.assert(
      fc.property(
        fc.array(pick, { maxLength: 5 }),
        fc.array(pick, { maxLength: 5 }),
        pick,
        (one, other, word) => {
          const [a, b] = [stateAfter(one), stateAfter(other)]
          if (model.key(a) !== model.key(b)) return
          expect(model.score(a, word).log10Prob).toBeCloseTo(model.score(b, word).log10Prob, 9)
        },
      ),
    )
  })

  it('forget what the model has nothing after', () => {
    expect(model.score(model.start(), 'nowhere')).toMatchObject({ isUnknown: true, state: { length: 0 } })
  })
})

describe('a table with gaps', () => {
  const gaps = `\\data\\\nngram 1=5\nngram 2=1\nngram 3=1\n\n\\1-grams:\n-1\t<unk>\n-99\t<s>\t-0.5\n-1\t</s>\n-0.5\ta\t-0.25\n-0.5\tb\t-0.125\n
\\2-grams:\n-0.25\t<s> a\t-0.0625\n\n\\3-grams:\n-0.1\ta b a\n\n\\end\\\n`

  it('gets contexts and suffixes, and the same probabilities', async () => {
    const sparse = await readArpa(new Blob([gaps]).stream())
    const { table: full, added } = completeTable(sparse)
    expect(added).toBe(2)
    const [before, after] = [new TableIndex(sparse), new TableIndex(full)]
    const model = NgramModel.fromTable(sparse)
    for (const words of [
      [1, 3],
      [1, 3, 4, 3],
      [1, 4, 3],
      [1, 3, 3, 4, 3, 2],
      [1, 0, 3, 4],
    ]) {
      const expected = before.log10Prob(words.length, words, 0)
      expect(after.log10Prob(words.length, words, 0)).toBeCloseTo(expected, 6)
      expect(along(model, words.slice(1)).at(-1)).toBeCloseTo(expected, 3)
    }
  })

  it('may not have an n-gram twice', async () => {
    const twice = gaps.replace('ngram 3=1', 'ngram 3=2').replace('-0.1\ta b a', '-0.1\ta b a\n-0.1\ta b a')
    const read = await readArpa(new Blob([twice]).stream())
    expect(() => packModel(read)).toThrow(/'a b a' occurs twice/)
  })
})

it('models Chinese by characters', () => {
  const chinese = { tokenization: 'characters', lowercase: false, locale: null } as const
  const corpus = new Corpus({ tokenizer: chinese }).append('我喜欢音乐\n我喜欢你\n你喜欢音乐吗\n')
  const model = NgramModel.fromTable(smooth(countNgrams(corpus, 3), { method: 'absolute' }))
  const better = scoreSentence(model, [...'我喜欢音乐']).log10Prob
  expect(better).toBeGreaterThan(scoreSentence(model, [...'我喜欢音月']).log10Prob)
})
