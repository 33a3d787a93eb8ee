/** Packs a table into the binary that is queried in place. */
import type { BackoffTable, TableLevel } from './backoff-table.ts'
import {
  aligned,
  BACKOFF_BITS,
  BACKOFF_CODES,
  BYTE_ORDER_MARK,
  type Codes,
  FIXED_SECTIONS,
  HEADER_BYTES,
  MAGIC,
  noCodes,
  PROB_CODES,
  SECTION_BYTES,
  VERSION,
} from './binary-layout.ts'
import { completeTable } from './complete-table.ts'
import { checksum, markOf, placeHash, slotOf, tellHash } from './hash.ts'
import { NgramError } from './ngram-error.ts'
import { TableIndex } from './table-index.ts'

/** Slots filled: 8 bytes / 0.75 = 10.7 bytes an n-gram. */
const LOAD = 0.75

interface PendingSection {
  readonly array: Uint8Array | Uint32Array | Float32Array
  readonly entries: number
  readonly codes: Codes
}

/**
 * The file of a model, also what `NgramModel` is made of. Probabilities of single words and of the highest order are
 * kept as floats; between them they are rounded to 1/131,072 of their range, back-offs to 1/32,766 of theirs.
 * @throws NgramError when an n-gram is in the table twice
 */
export function packModel(given: BackoffTable): ArrayBuffer {
  const { table } = completeTable(given)
  const extends_ = markContexts(table)
  const [words] = table.levels
  const { bytes: spellings, offsets, table: lookup } = table.vocabulary.arrays()
  const fixed = [spellings, offsets, lookup, words!.log10Prob, markedBackoffs(words!, extends_[0]!)].map(
    (array): PendingSection => ({ array, entries: array.length, codes: noCodes }),
  )
  // Two n-grams with one mark side by side: as good as never, and then other hashes do.
  for (let seed = 1; seed <= 16; seed++) {
    const tables: PendingSection[] = []
    for (const level of table.levels.slice(1)) {
      const packed = packLevel(level, extends_[level.length - 1]!, level.length === table.order, seed)
      if (packed) tables.push(packed)
    }
    if (tables.length === table.order - 1) return assemble(table, [...fixed, ...tables], seed)
  }
  throw new NgramError('these n-grams cannot be told apart by their hashes')
}

/** By level: 1 for n-grams that longer ones begin with. */
function markContexts(table: BackoffTable): Uint8Array[] {
  const index = new TableIndex(table)
  const marks = table.levels.map(level => new Uint8Array(level.size))
  for (const level of table.levels.slice(1)) {
    const below = marks[level.length - 2]!
    for (let node = 0; node < level.size; node++) {
      below[index.find(level.length - 1, level.words, node * level.length)] = 1
    }
  }
  return marks
}

/** A back-off of 0 is -0 where nothing follows: the state after such a word needn't remember it. */
function markedBackoffs(level: TableLevel, isContext: Uint8Array): Float32Array {
  return level.log10Backoff.map((backoff, node) =>
    isContext[node] === 0 && backoff === 0 ? -0 : backoff || 0,
  )
}

function packLevel(
  level: TableLevel,
  isContext: Uint8Array,
  isHighest: boolean,
  seed: number,
): PendingSection | null {
  const { length, size, words } = level
  const capacity = Math.ceil(size / LOAD) + 1
  const slots = new Uint32Array(capacity * 2)
  const floats = new Float32Array(slots.buffer)
  const codes = isHighest ? noCodes : codesOf(level)
  for (let node = 0; node < size; node++) {
    let place = seed
    let tell = seed
    for (let index = length - 1; index >= 0; index--) {
      place = placeHash(place, words[node * length + index]!)
      tell = tellHash(tell, words[node * length + index]!)
    }
    const mark = markOf(tell)
    let slot = slotOf(place, capacity)
    while (slots[slot * 2] !== 0) {
      if (slots[slot * 2] === mark) return null
      slot = slot + 1 === capacity ? 0 : slot + 1
    }
    slots[slot * 2] = mark
    if (isHighest) floats[slot * 2 + 1] = level.log10Prob[node]!
    else slots[slot * 2 + 1] = encode(level, node, isContext[node] === 1, codes)
  }
  return { array: slots, entries: size, codes }
}

function codesOf({ log10Prob, log10Backoff }: TableLevel): Codes {
  const prob = rangeOf(log10Prob)
  const backoff = rangeOf(log10Backoff)
  return {
    probLowest: prob.lowest,
    probStep: (prob.highest - prob.lowest) / (PROB_CODES - 1),
    backoffLowest: backoff.lowest,
    backoffStep: (backoff.highest - backoff.lowest) / (BACKOFF_CODES - 2),
  }
}

function encode(level: TableLevel, node: number, isContext: boolean, codes: Codes): number {
  const prob = codeOf(level.log10Prob[node]!, codes.probLowest, codes.probStep)
  const value = level.log10Backoff[node]!
  const backoff = !isContext && value === 0 ? 0 : 1 + codeOf(value, codes.backoffLowest, codes.backoffStep)
  return ((prob << BACKOFF_BITS) | backoff) >>> 0
}

function codeOf(value: number, lowest: number, step: number): number {
  return step === 0 ? 0 : Math.round((value - lowest) / step)
}

function rangeOf(values: Float32Array): { lowest: number; highest: number } {
  let lowest = values[0] ?? 0
  let highest = lowest
  for (let index = 1; index < values.length; index++) {
    lowest = Math.min(lowest, values[index]!)
    highest = Math.max(highest, values[index]!)
  }
  return { lowest, highest }
}

function assemble(table: BackoffTable, sections: readonly PendingSection[], seed: number): ArrayBuffer {
  if (sections.length !== FIXED_SECTIONS + table.order - 1) throw new RangeError('sections are missing')
  const notes = new TextEncoder().encode(JSON.stringify({ tokenizer: table.tokenizer }))
  const directoryEnd = HEADER_BYTES + sections.length * SECTION_BYTES
  const headerBytes = aligned(directoryEnd + notes.length)
  let end = headerBytes
  const offsets = sections.map(({ array }) => {
    const offset = end
    end = aligned(end + array.byteLength)
    return offset
  })
  const buffer = new ArrayBuffer(end)
  const bytes = new Uint8Array(buffer)
  const view = new DataView(buffer)
  bytes.set(new TextEncoder().encode(MAGIC))
  view.setUint32(8, VERSION, true)
  // In the machine's own order, as everything in the sections is.
  new Uint32Array(buffer, 12, 1)[0] = BYTE_ORDER_MARK
  view.setUint32(16, headerBytes, true)
  view.setUint32(24, table.order, true)
  view.setUint32(28, seed, true)
  view.setFloat64(32, end, true)
  view.setUint32(40, notes.length, true)
  view.setUint32(44, sections.length, true)
  sections.forEach(({ array, entries, codes }, index) => {
    const offset = offsets[index]!
    bytes.set(new Uint8Array(array.buffer, array.byteOffset, array.byteLength), offset)
    const at = HEADER_BYTES + index * SECTION_BYTES
    view.setFloat64(at, offset, true)
    view.setFloat64(at + 8, array.byteLength, true)
    view.setUint32(at + 16, checksum(new Uint32Array(buffer, offset, aligned(array.byteLength) / 4)), true)
    view.setUint32(at + 20, entries, true)
    view.setFloat64(at + 24, codes.probLowest, true)
    view.setFloat64(at + 32, codes.probStep, true)
    view.setFloat64(at + 40, codes.backoffLowest, true)
    view.setFloat64(at + 48, codes.backoffStep, true)
  })
  bytes.set(notes, directoryEnd)
  view.setUint32(20, checksum(new Uint32Array(buffer, 0, headerBytes / 4)), true)
  return buffer
}
