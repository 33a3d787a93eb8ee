/** Finds the n-grams of a table by their words: exact, for work on models (pruning, packing, tests), not for queries. */
import type { BackoffTable, TableLevel } from './backoff-table.ts'
import { placeHash } from './hash.ts'
import { NgramError } from './ngram-error.ts'

/** The n-grams of one length, by hash of all their words; compares the words themselves. */
export class LevelIndex {
  readonly #level: TableLevel
  readonly #slots: Uint32Array
  readonly #mask: number

  /** @throws NgramError when an n-gram is there twice; `describe` makes its words readable */
  constructor(level: TableLevel, describe: (node: number) => string = String) {
    let capacity = 16
    while (capacity < level.size * 1.5) capacity *= 2
    this.#level = level
    this.#slots = new Uint32Array(capacity)
    this.#mask = capacity - 1
    for (let node = 0; node < level.size; node++) {
      const slot = this.#slot(level.words, node * level.length)
      if (this.#slots[slot] !== 0)
        throw new NgramError(`the ${level.length}-gram '${describe(node)}' occurs twice`)
      this.#slots[slot] = node + 1
    }
  }

  /** The n-gram that begins at `offset` of `words`, or -1. */
  find(words: ArrayLike<number>, offset: number): number {
    return this.#slots[this.#slot(words, offset)]! - 1
  }

  #slot(words: ArrayLike<number>, offset: number): number {
    const { length, words: known } = this.#level
    let hash = 0
    for (let index = length - 1; index >= 0; index--) hash = placeHash(hash, words[offset + index]!)
    let slot = (hash ^ (hash >>> 16)) & this.#mask
    for (;;) {
      const entry = this.#slots[slot]!
      if (entry === 0) return slot
      const start = (entry - 1) * length
      let index = 0
      while (index < length && known[start + index] === words[offset + index]) index++
      if (index === length) return slot
      slot = (slot + 1) & this.#mask
    }
  }
}

/** All lengths of a table. */
export class TableIndex {
  readonly #table: BackoffTable
  readonly #levels: (LevelIndex | null)[]

  /** @throws NgramError when an n-gram is there twice */
  constructor(table: BackoffTable) {
    this.#table = table
    // Single words are found by their id.
    this.#levels = table.levels.map(level =>
      level.length === 1 ? null : new LevelIndex(level, node => describeNgram(table, level, node)),
    )
  }

  /** Where the `length` words from `offset` are in their level, or -1. */
  find(length: number, words: ArrayLike<number>, offset: number): number {
    const level = this.#levels[length - 1]
    if (level === undefined) return -1
    return level === null ? words[offset]! : level.find(words, offset)
  }

  /** log10 p(the last of the `length` words from `offset` | those before it), by the definition of back-off. */
  log10Prob(length: number, words: ArrayLike<number>, offset: number): number {
    let backoff = 0
    for (let start = Math.max(0, length - this.#table.order); ; start++) {
      const rest = length - start
      const node = this.find(rest, words, offset + start)
      if (node >= 0) return backoff + this.#table.levels[rest - 1]!.log10Prob[node]!
      const context = this.find(rest - 1, words, offset + start)
      if (context >= 0) backoff += this.#table.levels[rest - 2]!.log10Backoff[context]!
    }
  }
}

/** An n-gram's words, for messages. */
export function describeNgram({ vocabulary }: BackoffTable, level: TableLevel, node: number): string {
  const words = level.words.subarray(node * level.length, (node + 1) * level.length)
  return Array.from(words, word => vocabulary.word(word)).join(' ')
}
