/** Opens a binary: checks it and lays typed arrays over it, without copying. */
import {
  aligned,
  BYTE_ORDER_MARK,
  type Codes,
  FIXED_SECTIONS,
  HEADER_BYTES,
  MAGIC,
  SECTION_BYTES,
  type Section,
  VERSION,
} from './binary-layout.ts'
import { MAXIMUM_ORDER } from './count.ts'
import { checksum } from './hash.ts'
import { NgramError } from './ngram-error.ts'
import type { TokenizerOptions } from './tokenizer.ts'
import { checkArrays, Vocabulary } from './vocabulary.ts'

/** One hash table. */
export interface PackedLevel {
  readonly length: number
  readonly size: number
  readonly capacity: number
  /** [capacity, 2] u32: mark and value. */
  readonly slots: Uint32Array
  readonly codes: Codes
}

/** A binary, opened. */
export interface PackedModel {
  readonly order: number
  readonly seed: number
  readonly vocabulary: Vocabulary
  readonly tokenizer: TokenizerOptions | null
  /** [words] f32, log10 */
  readonly wordProbs: Float32Array
  /** [words] f32, log10; -0 where nothing follows */
  readonly wordBackoffs: Float32Array
  /** Lengths 2 to the order. */
  readonly levels: readonly PackedLevel[]
  readonly bytes: number
}

/**
 * @param verify whether the sections' checksums are computed and the n-grams counted too: some seconds a gigabyte.
 *   The header and the vocabulary are checked in any case. Leave it on for files from strangers: a table without a
 *   free slot would be searched for ever.
 * @throws NgramError for anything but a whole file of this version
 */
export function openPacked(file: ArrayBufferLike | Uint8Array, verify = true): PackedModel {
  const bytes = asAligned(file)
  const { buffer, byteOffset } = bytes
  if (bytes.length < HEADER_BYTES || ascii(bytes, MAGIC.length) !== MAGIC) {
    throw new NgramError('this is not a binary n-gram model: it does not begin as one')
  }
  const view = new DataView(buffer, byteOffset, bytes.length)
  const version = view.getUint32(8, true)
  if (version !== VERSION) {
    throw new NgramError(`the model's format is version ${version}, this program reads version ${VERSION}`)
  }
  if (new Uint32Array(buffer, byteOffset + 12, 1)[0] !== BYTE_ORDER_MARK) {
    throw new NgramError('the model was packed on a machine of another byte order')
  }
  const headerBytes = view.getUint32(16, true)
  if (headerBytes % 8 !== 0 || headerBytes < HEADER_BYTES || headerBytes > bytes.length) {
    throw new NgramError('the model is cut off within its header')
  }
  const header = new Uint32Array(buffer, byteOffset, headerBytes / 4).slice()
  header[5] = 0
  if (checksum(header) !== view.getUint32(20, true)) throw new NgramError("the model's header is damaged")
  const fileBytes = view.getFloat64(32, true)
  if (fileBytes !== bytes.length) {
    throw new NgramError(`the model is cut off: ${bytes.length} of ${fileBytes} bytes`)
  }
  const order = view.getUint32(24, true)
  const sectionCount = view.getUint32(44, true)
  const notesBytes = view.getUint32(40, true)
  const directoryEnd = HEADER_BYTES + sectionCount * SECTION_BYTES
  if (order < 1 || order > MAXIMUM_ORDER || sectionCount !== FIXED_SECTIONS + order - 1) {
    throw new NgramError("the model's header contradicts itself")
  }
  if (directoryEnd + notesBytes > headerBytes) throw new NgramError("the model's header contradicts itself")
  const sections = Array.from({ length: sectionCount }, (_, index) =>
    readSection(view, HEADER_BYTES + index * SECTION_BYTES, headerBytes),
  )
  if (verify) {
    sections.forEach(({ offset, bytes: length, checksum: expected }, index) => {
      const words = new Uint32Array(buffer, byteOffset + offset, aligned(length) / 4)
      if (checksum(words) !== expected)
        throw new NgramError(`the model is damaged: section ${index} has another checksum`)
    })
  }
  const [spellings, offsets, table, probs, backoffs] = sections as [
    Section,
    Section,
    Section,
    Section,
    Section,
  ]
  const arrays = {
    bytes: new Uint8Array(buffer, byteOffset + spellings.offset, spellings.bytes),
    offsets: floorView(Uint32Array, bytes, offsets),
    table: floorView(Uint32Array, bytes, table),
  }
  checkArrays(arrays)
  const vocabulary = new Vocabulary(arrays)
  const wordProbs = floorView(Float32Array, bytes, probs)
  const wordBackoffs = floorView(Float32Array, bytes, backoffs)
  if (wordProbs.length !== vocabulary.size || wordBackoffs.length !== vocabulary.size) {
    throw new NgramError('the model is damaged: words and probabilities do not match')
  }
  const levels = sections.slice(FIXED_SECTIONS).map((section, index): PackedLevel => {
    const slots = floorView(Uint32Array, bytes, section)
    const capacity = slots.length / 2
    if (!Number.isInteger(capacity) || capacity <= section.entries) {
      throw new NgramError(`the model is damaged: the table of ${index + 2}-grams is too short`)
    }
    if (verify && occupied(slots) !== section.entries) {
      throw new NgramError(`the model is damaged: the table of ${index + 2}-grams has another number of them`)
    }
    return { length: index + 2, size: section.entries, capacity, slots, codes: section.codes }
  })
  const tokenizer = readNotes(bytes.subarray(directoryEnd, directoryEnd + notesBytes))
  const seed = view.getUint32(28, true)
  return { order, seed, vocabulary, tokenizer, wordProbs, wordBackoffs, levels, bytes: bytes.length }
}

function occupied(slots: Uint32Array): number {
  let count = 0
  for (let slot = 0; slot < slots.length; slot += 2) if (slots[slot] !== 0) count++
  return count
}

function readSection(view: DataView, at: number, headerBytes: number): Section {
  const offset = view.getFloat64(at, true)
  const bytes = view.getFloat64(at + 8, true)
  const fits = offset % 8 === 0 && offset >= headerBytes && Number.isInteger(bytes) && bytes >= 0
  if (!fits || aligned(bytes) > view.byteLength - offset) {
    throw new NgramError('the model is damaged: a section lies outside of the file')
  }
  return {
    offset,
    bytes,
    checksum: view.getUint32(at + 16, true),
    entries: view.getUint32(at + 20, true),
    codes: {
      probLowest: view.getFloat64(at + 24, true),
      probStep: view.getFloat64(at + 32, true),
      backoffLowest: view.getFloat64(at + 40, true),
      backoffStep: view.getFloat64(at + 48, true),
    },
  }
}

function readNotes(notes: Uint8Array): TokenizerOptions | null {
  try {
    const { tokenizer } = JSON.parse(new TextDecoder().decode(notes)) as {
      tokenizer: TokenizerOptions | null
    }
    return tokenizer
  } catch {
    throw new NgramError("the model's notes are damaged")
  }
}

function floorView<T>(
  type: new (buffer: ArrayBufferLike, offset: number, length: number) => T,
  file: Uint8Array,
  { offset, bytes }: Section,
): T {
  return new type(file.buffer, file.byteOffset + offset, Math.floor(bytes / 4))
}

/** Typed arrays need their places at multiples of 4 (8 here): bytes that lie elsewhere are copied. */
function asAligned(file: ArrayBufferLike | Uint8Array): Uint8Array {
  if (!(file instanceof Uint8Array)) return new Uint8Array(file)
  return file.byteOffset % 8 === 0 ? file : file.slice()
}

function ascii(bytes: Uint8Array, length: number): string {
  return String.fromCharCode(...bytes.subarray(0, length))
}
