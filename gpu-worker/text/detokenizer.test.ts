import fc from 'fast-check'
import { expect, it } from 'vitest'
import { Detokenizer } from './detokenizer.ts'
import { tinyTokenizer } from './tiny-tokenizer.ts'

const tokenizer = tinyTokenizer()

it('never splits a character, whatever the tokens', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'grapheme' }), text => {
      const detokenizer = new Detokenizer(tokenizer)
      const pieces = tokenizer.encode(text).map(id => detokenizer.push(id))
      pieces.push(detokenizer.flush())
      expect(pieces.join('')).toBe(text)
      expect(text.includes('\uFFFD') || !pieces.some(piece => piece.includes('\uFFFD'))).toBe(true)
    }),
  )
})

it('marks a character that the answer left unfinished', () => {
  const detokenizer = new Detokenizer(tokenizer)
  expect(detokenizer.push(0xe2)).toBe('')
  expect(detokenizer.flush()).toBe('\uFFFD')
})
