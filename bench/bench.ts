/** What a file of ./benches exports by default, and what the benches share. */
import type { Measurement } from './result.ts'

export interface BenchOptions {
  /** For ours and for every peer. */
  readonly threads: number
  /** How often to measure; each bench has a default of its own. */
  readonly runs: number | undefined
  /** A line for whoever watches. */
  readonly log: (message: string) => void
}

/** Measures, and yields each number when it is known. Ours and its peers take turns in the same run. */
export type Bench = (options: BenchOptions) => AsyncIterable<Measurement>

/** @throws RangeError for no values */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const [low, high] = [sorted[Math.floor((sorted.length - 1) / 2)], sorted[Math.floor(sorted.length / 2)]]
  if (low === undefined || high === undefined) throw new RangeError('the median of nothing')
  return (low + high) / 2
}

/**
 * The value that a part of all values doesn't exceed (nearest rank).
 * @param part above 0, up to 1
 * @throws RangeError for no values
 */
export function percentile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.ceil(sorted.length * part) - 1]
  if (value === undefined) throw new RangeError('a percentile of nothing')
  return value
}

/** Numbers in [0, 1) that are the same in every run (mulberry32). */
export function seededRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }
}
