/** The n-gram model that is queried: a binary, opened. */

import type { BackoffTable } from './backoff-table.ts'
import { BACKOFF_BITS, BACKOFF_CODES } from './binary-layout.ts'
import { openPacked, type PackedLevel, type PackedModel } from './binary-read.ts'
import { packModel } from './binary-write.ts'
import { markOf, placeHash, slotOf, tellHash } from './hash.ts'
import type { LanguageModel, Scored } from './language-model.ts'
import type { TokenizerOptions } from './tokenizer.ts'
import { SENTENCE_START, UNKNOWN, type Vocabulary } from './vocabulary.ts'

/** What a model needs of the words before: as many as its n-grams reach, and their back-offs. */
export class NgramState {
  /** How many words count. */
  length = 0
  /** Word ids, the last word first. */
  readonly words: number[]
  /** [i]: log10 back-off of the context that is the last i + 1 words. */
  readonly backoffs: number[]

  constructor(order: number) {
    this.words = new Array<number>(Math.max(order - 1, 0)).fill(0)
    this.backoffs = new Array<number>(Math.max(order - 1, 0)).fill(0.5)
  }
}

/** A back-off n-gram model over one block of memory. */
export class NgramModel implements LanguageModel<NgramState> {
  readonly order: number
  readonly vocabulary: Vocabulary
  /** How text was cut in training; null where that isn't known. */
  readonly tokenizer: TokenizerOptions | null
  /** Of everything: the size of the file, and of the memory it takes. */
  readonly bytes: number
  /** By length, from 1. */
  readonly sizes: readonly number[]
  readonly #seed: number
  readonly #probs: Float32Array
  readonly #backoffs: Float32Array
  readonly #levels: readonly PackedLevel[]
  /** The highest level's slots as floats. */
  readonly #highest: Float32Array

  constructor(packed: PackedModel) {
    this.order = packed.order
    this.vocabulary = packed.vocabulary
    this.tokenizer = packed.tokenizer
    this.bytes = packed.bytes
    this.sizes = [packed.vocabulary.size, ...packed.levels.map(level => level.size)]
    this.#seed = packed.seed
    this.#probs = packed.wordProbs
    this.#backoffs = packed.wordBackoffs
    this.#levels = packed.levels
    const slots = packed.levels.at(-1)?.slots ?? new Uint32Array(0)
    this.#highest = new Float32Array(slots.buffer, slots.byteOffset, slots.length)
  }

  /**
   * Opens a binary, which is used where it lies: don't change or transfer the memory afterwards.
   * @throws NgramError for anything but a whole binary of this version
   */
  static open(file: ArrayBufferLike | Uint8Array, verify = true): NgramModel {
    return new NgramModel(openPacked(file, verify))
  }

  /** Packs a table and opens it. */
  static fromTable(table: BackoffTable): NgramModel {
    return new NgramModel(openPacked(packModel(table), false))
  }

  get words(): Iterable<string> {
    return this.#words()
  }

  start(): NgramState {
    const state = new NgramState(this.order)
    if (this.order > 1) {
      state.length = 1
      state.words[0] = SENTENCE_START
      state.backoffs[0] = this.#backoffs[SENTENCE_START]!
    }
    return state
  }

  empty(): NgramState {
    return new NgramState(this.order)
  }

  score(state: NgramState, word: string): Scored<NgramState> {
    const id = this.vocabulary.idOf(word)
    const next = new NgramState(this.order)
    return { log10Prob: this.advance(state, id, next), state: next, isUnknown: id === UNKNOWN }
  }

  key(state: NgramState): string {
    return state.words.slice(0, state.length).join(' ')
  }

  /**
   * The same without making anything: for loops that score millions of words.
   * @param word its id
   * @param next is overwritten; must not be `state`
   * @returns log10 p(word | state)
   */
  advance(state: NgramState, word: number, next: NgramState): number {
    let log10Prob = this.#probs[word]!
    const wordBackoff = this.#backoffs[word]!
    const known = state.length
    const { words, backoffs } = state
    let kept = 0
    if (this.order > 1) {
      next.words[0] = word
      next.backoffs[0] = wordBackoff
      // -0: nothing follows this word in the model.
      if (wordBackoff !== 0 || 1 / wordBackoff > 0) kept = 1
    }
    let place = placeHash(this.#seed, word)
    let tell = tellHash(this.#seed, word)
    let matched = 0
    while (matched < known) {
      const level = this.#levels[matched]!
      const context = words[matched]!
      place = placeHash(place, context)
      tell = tellHash(tell, context)
      const { slots, capacity } = level
      const mark = markOf(tell)
      let slot = slotOf(place, capacity)
      let found = slots[slot * 2]!
      while (found !== mark && found !== 0) {
        slot = slot + 1 === capacity ? 0 : slot + 1
        found = slots[slot * 2]!
      }
      if (found === 0) break
      matched++
      if (matched + 1 === this.order) {
        log10Prob = this.#highest[slot * 2 + 1]!
        break
      }
      const value = slots[slot * 2 + 1]!
      const { codes } = level
      log10Prob = (value >>> BACKOFF_BITS) * codes.probStep + codes.probLowest
      const code = value & (BACKOFF_CODES - 1)
      next.words[matched] = context
      next.backoffs[matched] = code === 0 ? 0 : (code - 1) * codes.backoffStep + codes.backoffLowest
      if (code !== 0) kept = matched + 1
    }
    next.length = kept
    for (let index = matched; index < known; index++) log10Prob += backoffs[index]!
    return log10Prob
  }

  *#words(): Generator<string> {
    for (let id = 0; id < this.vocabulary.size; id++)
      if (id !== SENTENCE_START) yield this.vocabulary.word(id)
  }
}
