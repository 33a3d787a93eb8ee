/**
 * Words and their ids: an open-addressing hash table over UTF-16 code units, all in typed arrays, so that reading a
 * corpus makes no strings and a vocabulary in a file is used where it lies.
 */
import { NgramError } from './ngram-error.ts'

/** The ids that every vocabulary begins with, as KenLM's lmplz has them. */
export const UNKNOWN = 0
export const SENTENCE_START = 1
export const SENTENCE_END = 2
/** Their spellings, by id. */
export const SPECIAL_WORDS = ['<unk>', '<s>', '</s>'] as const

/** The arrays behind a vocabulary, each as long as it is used. */
export interface VocabularyArrays {
  /** The words' code units, one after the other, each in one to three bytes as UTF-8 has it (surrogates too). */
  readonly bytes: Uint8Array
  /** Where each word begins in `bytes`; one more entry says where the last one ends. */
  readonly offsets: Uint32Array
  /** Open addressing, a power of two long: id + 1, or 0 where free. */
  readonly table: Uint32Array
}

/** A growing set of words with ids 0, 1, 2, ... in the order in which they came. */
export class Vocabulary {
  #bytes: Uint8Array
  #offsets: Uint32Array
  #table: Uint32Array
  #size: number

  /** Begins with the three special words, or takes over arrays that were checked with `checkArrays`. */
  constructor(arrays?: VocabularyArrays) {
    this.#bytes = arrays?.bytes ?? new Uint8Array(1 << 12)
    this.#offsets = arrays?.offsets ?? new Uint32Array(1 << 9)
    this.#table = arrays?.table ?? new Uint32Array(1 << 10)
    this.#size = arrays ? arrays.offsets.length - 1 : 0
    if (!arrays) for (const word of SPECIAL_WORDS) this.add(word)
  }

  /** How many words there are, the special ones included. */
  get size(): number {
    return this.#size
  }

  /** The id of `text.slice(start, end)`, or undefined when it isn't a word of this vocabulary. */
  find(text: string, start = 0, end = text.length): number | undefined {
    const id = this.#table[this.#slot(text, start, end)]!
    return id === 0 ? undefined : id - 1
  }

  /** The id of the word, or `<unk>`'s. */
  idOf(word: string): number {
    return this.find(word) ?? UNKNOWN
  }

  /** The id of `text.slice(start, end)`, which is new if it wasn't known. */
  add(text: string, start = 0, end = text.length): number {
    let slot = this.#slot(text, start, end)
    const known = this.#table[slot]!
    if (known !== 0) return known - 1
    if (this.#size * 4 >= this.#table.length * 3) {
      this.#growTable()
      slot = this.#slot(text, start, end)
    }
    const id = this.#size++
    if (id + 2 > this.#offsets.length) this.#offsets = grown(this.#offsets, id + 2)
    let finish = this.#offsets[id]!
    const room = finish + 3 * (end - start)
    if (room > this.#bytes.length) this.#bytes = grown(this.#bytes, room)
    for (let index = start; index < end; index++) {
      const unit = text.charCodeAt(index)
      if (unit < 0x80) this.#bytes[finish++] = unit
      else {
        if (unit < 0x800) this.#bytes[finish++] = 0xc0 | (unit >> 6)
        else {
          this.#bytes[finish++] = 0xe0 | (unit >> 12)
          this.#bytes[finish++] = 0x80 | ((unit >> 6) & 0x3f)
        }
        this.#bytes[finish++] = 0x80 | (unit & 0x3f)
      }
    }
    this.#offsets[id + 1] = finish
    this.#table[slot] = id + 1
    return id
  }

  /** @throws RangeError for an id that isn't there */
  word(id: number): string {
    if (!(id >= 0 && id < this.#size)) throw new RangeError(`there is no word ${id}`)
    let word = ''
    const finish = this.#offsets[id + 1]!
    for (let at = this.#offsets[id]!; at < finish; at += width(this.#bytes[at]!)) {
      word += String.fromCharCode(unitAt(this.#bytes, at))
    }
    return word
  }

  /** Copies of the arrays, cut to what is used: what a file keeps. */
  arrays(): VocabularyArrays {
    return {
      bytes: this.#bytes.slice(0, this.#offsets[this.#size]!),
      offsets: this.#offsets.slice(0, this.#size + 1),
      table: this.#table.slice(),
    }
  }

  /** Where the word is, or the free slot where it would be. */
  #slot(text: string, start: number, end: number): number {
    const mask = this.#table.length - 1
    let hash = 0x811c9dc5
    for (let index = start; index < end; index++) hash = Math.imul(hash ^ text.charCodeAt(index), 0x01000193)
    let slot = finalize(hash) & mask
    for (;;) {
      const entry = this.#table[slot]!
      if (entry === 0 || this.#equals(entry - 1, text, start, end)) return slot
      slot = (slot + 1) & mask
    }
  }

  #equals(id: number, text: string, start: number, end: number): boolean {
    let at = this.#offsets[id]!
    const finish = this.#offsets[id + 1]!
    if (finish - at < end - start) return false
    for (let index = start; index < end; index++) {
      const unit = text.charCodeAt(index)
      if (unit < 0x80) {
        if (this.#bytes[at++] !== unit) return false
      } else {
        if (at >= finish || unitAt(this.#bytes, at) !== unit) return false
        at += width(this.#bytes[at]!)
      }
    }
    return at === finish
  }

  #growTable(): void {
    const mask = this.#table.length * 2 - 1
    const table = new Uint32Array(mask + 1)
    for (let id = 0; id < this.#size; id++) {
      let hash = 0x811c9dc5
      const finish = this.#offsets[id + 1]!
      for (let at = this.#offsets[id]!; at < finish; at += width(this.#bytes[at]!)) {
        hash = Math.imul(hash ^ unitAt(this.#bytes, at), 0x01000193)
      }
      let slot = finalize(hash) & mask
      while (table[slot] !== 0) slot = (slot + 1) & mask
      table[slot] = id + 1
    }
    this.#table = table
  }
}

/**
 * Says whether arrays from outside can be searched without reading past their ends or turning for ever.
 * @throws NgramError when they can't
 */
export function checkArrays({ bytes, offsets, table }: VocabularyArrays): void {
  const size = offsets.length - 1
  const isPowerOfTwo = table.length > 0 && (table.length & (table.length - 1)) === 0
  if (size < SPECIAL_WORDS.length || !isPowerOfTwo || table.length <= size || offsets[0] !== 0) {
    throw new NgramError('the vocabulary is damaged: its sizes do not fit together')
  }
  for (let id = 0; id < size; id++) {
    if (offsets[id]! > offsets[id + 1]!) throw new NgramError(`the vocabulary is damaged at word ${id}`)
  }
  if (offsets[size] !== bytes.length) throw new NgramError('the vocabulary is damaged: words are missing')
  let free = 0
  for (let slot = 0; slot < table.length; slot++) {
    if (table[slot]! > size) throw new NgramError('the vocabulary is damaged: it names words it lacks')
    if (table[slot] === 0) free++
  }
  if (free === 0) throw new NgramError('the vocabulary is damaged: its table is full')
}

/** How many bytes a code unit has that begins with this one. */
function width(byte: number): number {
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : 3
}

/** The code unit whose first byte is at `at`. */
function unitAt(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!
  if (first < 0x80) return first
  if (first < 0xe0) return ((first & 0x1f) << 6) | (bytes[at + 1]! & 0x3f)
  return ((first & 0x0f) << 12) | ((bytes[at + 1]! & 0x3f) << 6) | (bytes[at + 2]! & 0x3f)
}

/** murmur3's last step: every bit of the hash reaches the low ones. */
function finalize(hash: number): number {
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}

/** The same values in an array at least twice as long. */
export function grown<T extends Uint8Array | Uint16Array | Uint32Array | Float32Array>(
  array: T,
  least: number,
): T {
  const longer = new (array.constructor as new (length: number) => T)(Math.max(least, array.length * 2))
  longer.set(array)
  return longer
}
