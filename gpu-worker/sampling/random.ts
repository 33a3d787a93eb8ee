/** Random numbers that a seed replays, on any machine and in any batch. */

/** Draws evenly from [0, 1). */
export type Random = () => number

/**
 * xoshiro128** 1.1 (Blackman and Vigna, 2018), its 128 bits of state filled by splitmix32 from the seed's 64.
 * Each draw takes two outputs: 53 bits, all that a double below 1 can hold.
 * @param seed any integer that a double holds exactly; different seeds give unrelated sequences
 */
export function seededRandom(seed: number): Random {
  const split = splitmix32(seed)
  let [a, b, c, d] = [split(), split(), split(), split()]

  const next = (): number => {
    const result = Math.imul(rotateLeft(Math.imul(b, 5), 7), 9) >>> 0
    const t = b << 9
    c ^= a
    d ^= b
    b ^= c
    a ^= d
    c ^= t
    d = rotateLeft(d, 11)
    return result
  }
  return () => {
    const high = next() >>> 5 // 27 bits
    const low = next() >>> 6 // 26 bits
    return (high * 2 ** 26 + low) / 2 ** 53
  }
}

/** A seed for a request that brought none. */
export function randomSeed(): number {
  const [high, low] = crypto.getRandomValues(new Uint32Array(2))
  return (high! >>> 11) * 2 ** 32 + low!
}

/** Fills the state: no seed may leave it all zero, where xoshiro would stay for ever. */
function splitmix32(seed: number): () => number {
  const low = seed >>> 0
  const high = Math.floor(seed / 2 ** 32) >>> 0
  let state = (low ^ Math.imul(high, 0x9e3779b1)) >>> 0
  return () => {
    state = (state + 0x9e3779b9) | 0
    let z = state ^ (state >>> 16)
    z = Math.imul(z, 0x21f0aaad)
    z ^= z >>> 15
    z = Math.imul(z, 0x735a2d97)
    return (z ^ (z >>> 15)) >>> 0
  }
}

function rotateLeft(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits))
}
