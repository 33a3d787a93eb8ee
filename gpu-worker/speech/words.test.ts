import { expect, it } from 'vitest'
import { joinCharacters, splitWords, timeWords } from './words.ts'

const encode = (text: string) => new TextEncoder().encode(text)

it('cuts at spaces and before punctuation, as openai/whisper does', () => {
  const texts = [' He', 'llo', ',', ' twenty', '-', 'one', ' ca', "n't", '.']
  expect(splitWords(texts).map(({ text, first, count }) => [text, first, count])).toEqual([
    [' Hello', 0, 2],
    [',', 2, 1],
    [' twenty', 3, 1],
    ['-one', 4, 2],
    [" can't", 6, 2],
    ['.', 8, 1],
  ])
})

it('gives a character to the token that begins it', () => {
  const euro = encode('€')
  const pieces = [encode(' 5'), euro.subarray(0, 1), euro.subarray(1), encode('!')]
  expect(joinCharacters(pieces)).toEqual([' 5', '€', '', '!'])
})

it('times words by their tokens, with their punctuation, and leaves nothing out', () => {
  const texts = [' "', 'Yes', ',"', ' she', ' said', '.']
  const starts = Int32Array.of(0, 10, 30, 35, 50, 70, 90)
  const words = timeWords(texts, starts, [0.5, 1, 1, 0.25, 0.75, 1], 50)
  expect(words.map(({ text }) => text).join('')).toBe(texts.join(''))
  expect(words.map(({ text }) => text)).toEqual([' "Yes,"', ' she', ' said.'])
  expect(words.reduce((sum, { count }) => sum + count, 0)).toBe(texts.length)
  expect(words[1]).toMatchObject({ start: 0.7, end: 1, probability: 0.25 })
})

it('counts a pause at the end of a sentence to no word', () => {
  const starts = Int32Array.of(0, 20, 40, 60, 400)
  const words = timeWords([' One', ' two', ' three', '.'], starts, [1, 1, 1, 1], 50)
  expect(words.at(-1)!.end - words.at(-1)!.start).toBeLessThan(1.5)
})
