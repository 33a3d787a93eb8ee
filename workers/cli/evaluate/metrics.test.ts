// Goldens of sacreBLEU and of transformers' normalizers, on random strings: goldens/make_goldens.py.
import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { type BleuTokenizer, corpusBleu } from './bleu.ts'
import { countErrors } from './edit-distance.ts'
import { charactersOf, normalizeBasic, normalizeEnglish, wordsOf } from './normalize-text.ts'

interface Goldens {
  english: [text: string, normal: string][]
  basic: [text: string, normal: string][]
  bleu: { tokenizer: BleuTokenizer; hypotheses: string[]; references: string[]; score: number }[]
}

const goldens: Goldens = JSON.parse(readFileSync(new URL('./goldens/goldens.json', import.meta.url), 'utf8'))

test('English is normalized as by Whisper', () => {
  const ours = goldens.english.map(([text]) => [text, normalizeEnglish(text)])
  expect(ours).toEqual(goldens.english)
})

test('other languages are normalized as by Whisper', () => {
  expect(goldens.basic.map(([text]) => [text, normalizeBasic(text)])).toEqual(goldens.basic)
})

test('BLEU is sacreBLEU’s', () => {
  for (const { tokenizer, hypotheses, references, score } of goldens.bleu) {
    expect(corpusBleu(hypotheses, references, tokenizer), references.join('|')).toBeCloseTo(score, 6)
  }
  expect(goldens.bleu.filter(({ score }) => score > 5).length).toBeGreaterThan(60)
})

test.each([
  ['the same', 'a b c', 'a b c', 0],
  ['one left out', 'a b c', 'a c', 1],
  ['one put in', 'a b c', 'a b b c', 1],
  ['one changed', 'a b c', 'a x c', 1],
  ['nothing heard', 'a b c', '', 3],
])('errors: %s', (_, expected, heard, errors) => {
  expect(countErrors(expected.split(' '), heard === '' ? [] : heard.split(' '))).toEqual({ errors, units: 3 })
})

test('words are compared where a language has them, else characters', () => {
  expect(wordsOf("It's twenty-one dollars.", 'en')).toEqual(['it', 'is', '$21'])
  expect(wordsOf('C’est très bien.', 'fr')).toEqual(['c', 'est', 'très', 'bien'])
  expect(charactersOf('你好， 世界。')).toEqual(['你', '好', '世', '界'])
})
