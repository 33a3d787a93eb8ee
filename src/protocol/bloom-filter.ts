/**
 * A Bloom filter over short ids: says of an id that it is surely absent, or probably there. A worker tells the fleet
 * with it which audio it holds encoded, in about 10 bits an id instead of 64 hexadecimal digits.
 */
import * as z from 'zod'

/** Most bytes of a filter on the wire: 400,000 ids at 10 bits each. */
const maxFilterBytes = 512 * 1024

/** On the wire: how many bits of each id are set, and the bits in base64. */
export const BloomFilterData = z.object({
  hashes: z.int().min(1).max(16),
  bits: z.base64().max(Math.ceil(maxFilterBytes / 3) * 4),
})
export type BloomFilterData = z.infer<typeof BloomFilterData>

/** Bits an id, and bits set an id: 0.8 % of absent ids are taken for present (Broder and Mitzenmacher 2004). */
const bitsPerId = 10
const hashCount = 7

/** A set of ids that only grows. */
export class BloomFilter {
  readonly #bytes: Uint8Array
  readonly #hashes: number

  private constructor(bytes: Uint8Array, hashes: number) {
    this.#bytes = bytes
    this.#hashes = hashes
  }

  /** A filter that holds these ids, and 0.8 % of all others. */
  static of(ids: Iterable<string>): BloomFilter {
    const all = [...ids]
    const bytes = Math.min(maxFilterBytes, Math.max(8, Math.ceil((all.length * bitsPerId) / 8)))
    const filter = new BloomFilter(new Uint8Array(bytes), hashCount)
    for (const id of all) {
      filter.#forEachBit(id, (byte, mask) => {
        filter.#bytes[byte]! |= mask
        return true
      })
    }
    return filter
  }

  static parse(data: BloomFilterData): BloomFilter {
    const bytes = Uint8Array.from(atob(data.bits), character => character.charCodeAt(0))
    return new BloomFilter(bytes, data.hashes)
  }

  toData(): BloomFilterData {
    let binary = ''
    for (const byte of this.#bytes) binary += String.fromCharCode(byte)
    return { hashes: this.#hashes, bits: btoa(binary) }
  }

  /** False: surely absent. True: probably there. */
  has(id: string): boolean {
    return this.#bytes.length > 0 && this.#forEachBit(id, (byte, mask) => (this.#bytes[byte]! & mask) !== 0)
  }

  /** Visits the bits of an id until one says false; true where none did. */
  #forEachBit(id: string, visit: (byte: number, mask: number) => boolean): boolean {
    const bits = this.#bytes.length * 8
    // Two hashes make all others (Kirsch and Mitzenmacher 2006); an odd step visits different bits.
    const start = hashText(id, 0x811c9dc5)
    const step = hashText(id, 0x9747b28c) | 1
    for (let k = 0; k < this.#hashes; k++) {
      const bit = ((start + Math.imul(k, step)) >>> 0) % bits
      if (!visit(bit >>> 3, 1 << (bit & 7))) return false
    }
    return true
  }
}

/** 32 bits of a text: FNV-1a, then the finalizer of MurmurHash3, so that each bit depends on all characters. */
export function hashText(text: string, seed: number): number {
  let hash = seed
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
