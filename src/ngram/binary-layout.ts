/**
 * The binary format: one block of memory that is queried where it lies, from a file, a store, or mapped.
 *
 * | bytes | what |
 * |---|---|
 * | 0-7 | `AURNGRAM` |
 * | 8 | version, u32 |
 * | 12 | 0x01020304, u32: tells the byte order |
 * | 16 | bytes of the header, u32 |
 * | 20 | checksum of the header, u32, with this field as 0 |
 * | 24 | order, u32 |
 * | 28 | seed of the hashes, u32 |
 * | 32 | bytes of the whole file, f64 |
 * | 40 | bytes of the notes, u32 (tokenizer and such, JSON in UTF-8, at the header's end) |
 * | 44 | number of sections, u32 |
 * | 48 | sections, 56 bytes each, see `Section` |
 *
 * Sections begin at multiples of 8. They are: the vocabulary's spellings (bytes), offsets (u32) and table (u32); the
 * single words' probabilities and back-offs (f32); then a hash table for each length from 2. A table's slot is two
 * u32: the n-gram's mark (0: free) and its value, for the highest order the log10 probability (f32), below it a code
 * of 17 bits for the probability and one of 15 bits for the back-off. A back-off's code 0 is 0, and says that no
 * longer n-gram begins with this one.
 */

/** First bytes of a file. */
export const MAGIC = 'AURNGRAM'
/** Raised with every change that an older reader would misread. */
export const VERSION = 1
/** Reads otherwise on a machine of the other byte order. */
export const BYTE_ORDER_MARK = 0x01020304
export const HEADER_BYTES = 48
export const SECTION_BYTES = 56
/** The sections before the hash tables. */
export const FIXED_SECTIONS = 5

export const PROB_CODES = 1 << 17
export const BACKOFF_BITS = 15
export const BACKOFF_CODES = 1 << BACKOFF_BITS

/** One stretch of the file. */
export interface Section {
  /** Bytes from the start of the file. f64 at 0. */
  readonly offset: number
  /** f64 at 8. */
  readonly bytes: number
  /** murmur3 of the bytes, filled up with zeros to a multiple of 8. u32 at 16. */
  readonly checksum: number
  /** Entries: n-grams in a table. u32 at 20. */
  readonly entries: number
  /** How the codes of a table become numbers: code · step + lowest. f64 at 24, 32, 40, 48. */
  readonly codes: Codes
}

/** Linear codes of one level. Back-off codes count from 1. */
export interface Codes {
  readonly probLowest: number
  readonly probStep: number
  readonly backoffLowest: number
  readonly backoffStep: number
}

/** Where there is nothing to encode. */
export const noCodes: Codes = { probLowest: 0, probStep: 0, backoffLowest: 0, backoffStep: 0 }

/** The next multiple of 8. */
export function aligned(bytes: number): number {
  return Math.ceil(bytes / 8) * 8
}
