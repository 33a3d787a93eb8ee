/**
 * Words and phrases that are likelier here than elsewhere, as a trie over their letters. While a hypothesis spells
 * one out it is lifted bit by bit, so that it lives to see the end; what it was lent is taken back when the spelling
 * breaks off, and earned when the word, or the last word of the phrase, is complete.
 */
import { HOTWORD_BONUS } from '../../src/ngram/hotwords.ts'

/** Where a hypothesis stands in the trie; never changed once made. */
export interface HotwordMatch {
  /** Null when the current word has left the trie. */
  readonly node: Node | null
  /** Lent for the letters matched so far. */
  readonly provisional: number
}

interface Node {
  readonly children: Map<string, Node>
  /** Boost of the phrase that ends here; null when none does. */
  boost: number | null
  /** The largest boost below, a letter: what a letter on the way is lent. */
  lentPerLetter: number
}

export class HotwordTrie {
  readonly #root: Node = emptyNode()
  readonly #start: HotwordMatch = { node: this.#root, provisional: 0 }

  /**
   * @param phrases compared in small letters and without punctuation
   * @param boostPerWord natural logarithm
   */
  constructor(phrases: readonly string[], boostPerWord = HOTWORD_BONUS) {
    for (const phrase of phrases) {
      const text = normalize(phrase).trim()
      if (text !== '') this.#add(text, boostPerWord * text.split(' ').length)
    }
  }

  start(): HotwordMatch {
    return this.#start
  }

  /** @param text of a token; a space in front of it has begun a new word */
  advance(match: HotwordMatch, text: string): HotwordMatch {
    let { node, provisional } = match
    for (const letter of normalize(text)) {
      if (!node) break
      // Before the first letter of a match there is no space.
      if (letter === ' ' && node === this.#root) continue
      const child = node.children.get(letter)
      provisional = child ? provisional + child.lentPerLetter : 0
      node = child ?? null
    }
    return node === match.node && provisional === match.provisional ? match : { node, provisional }
  }

  /** A word is complete: what it earned, and where the next one stands. */
  close({ node, provisional }: HotwordMatch): { earned: number; match: HotwordMatch } {
    if (!node) return { earned: 0, match: this.#start }
    // The phrase may go on: the longer one is waited for.
    if (node.children.has(' ')) {
      return { earned: node.boost ?? 0, match: { node, provisional: node.boost === null ? provisional : 0 } }
    }
    return { earned: node.boost ?? 0, match: this.#start }
  }

  #add(text: string, boost: number): void {
    const perLetter = boost / text.length
    let node = this.#root
    for (const letter of text) {
      let child = node.children.get(letter)
      if (!child) {
        child = emptyNode()
        node.children.set(letter, child)
      }
      child.lentPerLetter = Math.max(child.lentPerLetter, perLetter)
      node = child
    }
    node.boost = Math.max(node.boost ?? 0, boost)
  }
}

function emptyNode(): Node {
  return { children: new Map(), boost: null, lentPerLetter: 0 }
}

/** Small letters, digits and single spaces; the space that begins a word stays. */
function normalize(text: string): string {
  return text
    .toLowerCase()
    .replace(/[^\p{L}\p{N}\s]+/gu, '')
    .replace(/\s+/g, ' ')
}
