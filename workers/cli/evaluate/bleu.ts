/**
 * Corpus BLEU with one reference, as sacreBLEU computes it (Post 2018; 2.6): tokenizers `13a` and `zh`, four orders, exponential
 * smoothing, case kept.
 */
import { pythonSplit } from './python-regex.ts'

export type BleuTokenizer = '13a' | 'zh'

const ORDERS = 4

/** @returns 0 to 100 */
export function corpusBleu(
  hypotheses: readonly string[],
  references: readonly string[],
  tokenizer: BleuTokenizer,
): number {
  const tokenize = tokenizer === 'zh' ? tokenizeZh : tokenize13a
  const correct = new Array<number>(ORDERS).fill(0)
  const total = new Array<number>(ORDERS).fill(0)
  let length = 0
  let referenceLength = 0
  for (const [index, hypothesis] of hypotheses.entries()) {
    const heard = tokenize(hypothesis)
    const expected = tokenize(references[index]!)
    length += heard.length
    referenceLength += expected.length
    for (let order = 1; order <= ORDERS; order++) {
      const known = ngrams(expected, order)
      for (const [ngram, count] of ngrams(heard, order)) {
        total[order - 1]! += count
        correct[order - 1]! += Math.min(count, known.get(ngram) ?? 0)
      }
    }
  }
  if (correct.every(count => count === 0)) return 0
  let smoothing = 1
  let logs = 0
  for (const [index, all] of total.entries()) {
    // An order that no hypothesis has leaves nothing of the product.
    if (all === 0) return 0
    if (correct[index] === 0) smoothing *= 2
    const share = correct[index] === 0 ? 1 / (smoothing * all) : correct[index]! / all
    logs += Math.log(100 * share)
  }
  const brevity = length < referenceLength ? Math.exp(1 - referenceLength / length) : 1
  return brevity * Math.exp(logs / ORDERS)
}

/** Equivalent to mteval-v13a. */
export function tokenize13a(text: string): string[] {
  const line = text
    .trimEnd()
    .replaceAll('<skipped>', '')
    .replaceAll('-\n', '')
    .replaceAll('\n', ' ')
    .replaceAll('&quot;', '"')
    .replaceAll('&amp;', '&')
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
  return splitPunctuation(` ${line} `)
}

/** Each Chinese character by itself, the rest as in 13a. */
export function tokenizeZh(text: string): string[] {
  return splitPunctuation(Array.from(text.trim(), each => (isChinese(each) ? ` ${each} ` : each)).join(''))
}

function splitPunctuation(line: string): string[] {
  return pythonSplit(
    line
      .replace(/([{-~[-` -&(-+:-@/])/gu, ' $1 ')
      .replace(/([^0-9])([.,])/gu, '$1 $2 ')
      .replace(/([.,])([^0-9])/gu, ' $1 $2')
      .replace(/([0-9])(-)/gu, '$1 $2 '),
  )
}

/** sacreBLEU's ranges. Two of them were meant to lie beyond the 16-bit plane and, as it reads them, lie elsewhere. */
const CHINESE: readonly (readonly [number, number])[] = [
  [0x3400, 0x4db5],
  [0x4e00, 0x9fa5],
  [0x9fa6, 0x9fbb],
  [0xf900, 0xfa2d],
  [0xfa30, 0xfa6a],
  [0xfa70, 0xfad9],
  [0x2001, 0x2a6d],
  [0x2f81, 0x2fa1],
  [0xff00, 0xffef],
  [0x2e80, 0x2eff],
  [0x3000, 0x303f],
  [0x31c0, 0x31ef],
  [0x2f00, 0x2fdf],
  [0x2ff0, 0x2fff],
  [0x3100, 0x312f],
  [0x31a0, 0x31bf],
  [0xfe10, 0xfe1f],
  [0xfe30, 0xfe4f],
  [0x2600, 0x26ff],
  [0x2700, 0x27bf],
  [0x3200, 0x32ff],
  [0x3300, 0x33ff],
]

function isChinese(character: string): boolean {
  const code = character.codePointAt(0)!
  return CHINESE.some(([first, last]) => first <= code && code <= last)
}

function ngrams(tokens: readonly string[], order: number): Map<string, number> {
  const counts = new Map<string, number>()
  for (let at = 0; at + order <= tokens.length; at++) {
    // No token holds a space.
    const ngram = tokens.slice(at, at + order).join(' ')
    counts.set(ngram, (counts.get(ngram) ?? 0) + 1)
  }
  return counts
}
