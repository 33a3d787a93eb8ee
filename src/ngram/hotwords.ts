/** Words and phrases that a caller expects: each one that is heard is worth a bonus. */
import { plainTokenizer, type TokenizerOptions, tokenize } from './tokenizer.ts'

/** Natural logarithm, for each word of a hotword that is found: as much as a language model finds between near words. */
export const HOTWORD_BONUS = 2

/** How hotwords are compared with what was heard: words by Unicode's rules, small letters, no punctuation. */
const hotwordTokenizer: TokenizerOptions = { tokenization: 'segments', lowercase: true, locale: null }

/** Hotwords, cut into words once for many texts. */
export class Hotwords {
  /** By their first word, the longest first. */
  readonly #phrases = new Map<string, string[][]>()

  constructor(hotwords: readonly string[]) {
    for (const hotword of hotwords) {
      const words = wordsOf(hotword)
      const first = words[0]
      if (first === undefined) continue
      this.#phrases.set(first, [...(this.#phrases.get(first) ?? []), words])
    }
    for (const phrases of this.#phrases.values()) phrases.sort((one, other) => other.length - one.length)
  }

  /** How many words of a text belong to hotwords; a word counts once, in the longest one that begins first. */
  count(text: string): number {
    if (this.#phrases.size === 0) return 0
    const words = wordsOf(text)
    let count = 0
    for (let at = 0; at < words.length; ) {
      const phrase = this.#phrases
        .get(words[at]!)
        ?.find(candidate => candidate.every((word, index) => words[at + index] === word))
      count += phrase?.length ?? 0
      at += phrase?.length ?? 1
    }
    return count
  }
}

function wordsOf(text: string): string[] {
  const words = tokenize(text, hotwordTokenizer)
  // Signs alone, such as C++'s, are words between spaces.
  return words.length > 0 ? words : tokenize(text, plainTokenizer)
}
