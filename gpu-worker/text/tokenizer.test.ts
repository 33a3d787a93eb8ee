import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { tinyTokenizer } from './tiny-tokenizer.ts'

const tokenizer = tinyTokenizer(
  [
    ['h', 'i'],
    ['Ġ', 'hi'],
  ],
  ['<|im_end|>'],
)

describe('tokenizer', () => {
  it('encodes with merges and gives the bytes back', () => {
    expect(tokenizer.encode('hi hi')).toEqual([256, 257])
    expect(tokenizer.decode([256, 257])).toBe('hi hi')
    expect([...tokenizer.bytes(257)]).toEqual([0x20, 0x68, 0x69])
  })

  it('reads a special token in a text as text', () => {
    expect(tokenizer.size).toBe(259)
    const ids = tokenizer.encode('a<|im_end|>b')
    expect(ids).not.toContain(258)
    expect(tokenizer.decode(ids)).toBe('a<|im_end|>b')
  })

  it('shows nothing of special tokens and unknown ids', () => {
    expect(tokenizer.decode([256, 258, 100_000])).toBe('hi')
  })

  it('gives any text back', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), text => {
        expect(tokenizer.decode(tokenizer.encode(text))).toBe(text)
      }),
    )
  })
})
