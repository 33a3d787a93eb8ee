/**
 * Two 32-bit hashes of an n-gram, from its last word to its first, so that a longer n-gram's go on from a shorter
 * one's. One says where it lies, the other tells it from its neighbours: together as good as 50 bits and more.
 */

/** Takes the next word into the hash that says where an n-gram lies. */
export function placeHash(hash: number, word: number): number {
  const mixed = Math.imul(hash ^ word, 0x9e3779b1)
  return Math.imul(mixed ^ (mixed >>> 15), 0x2c1b3c6d)
}

/** Takes the next word into the hash that tells n-grams apart. */
export function tellHash(hash: number, word: number): number {
  const mixed = Math.imul(hash + word, 0x85ebca6b)
  return Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
}

/** A place in a table of `capacity` slots. */
export function slotOf(hash: number, capacity: number): number {
  return (((hash ^ (hash >>> 16)) >>> 0) * capacity * 2 ** -32) | 0
}

/** What a slot is marked with; never 0, which is a free slot's. */
export function markOf(hash: number): number {
  return (hash ^ (hash >>> 15)) >>> 0 || 1
}

/** murmur3 (32 bits) of whole words: a checksum for files. */
export function checksum(words: Uint32Array): number {
  let hash = 0
  for (let index = 0; index < words.length; index++) {
    let word = Math.imul(words[index]!, 0xcc9e2d51)
    word = Math.imul((word << 15) | (word >>> 17), 0x1b873593)
    hash ^= word
    hash = (Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64) | 0
  }
  hash ^= words.length * 4
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
