/**
 * Guesses how an answer goes on: as it did the last time that its last tokens stood somewhere, in the answer itself, in
 * what was heard or in the prompt (prompt lookup, Saxena 2023). Computed along with the token that goes in, a guess that
 * comes true saves a step. Pure, as the scheduler that it is part of.
 */
import type { RunningSequence } from './sequence.ts'

/** So many tokens must stand there; the longer, the likelier is what follows. */
const KEY_LENGTHS = [4, 2]

/** A position more costs a fourth of a step: below this part of guesses that come true it doesn't pay. */
const WORTHWHILE = 0.25

/** So many guesses are free, to find out. */
const TRIAL = 12

/** At most `count` tokens that may follow; none where too few came true so far. */
export function draft({ sources, tokens, drafted, accepted }: RunningSequence, count: number): number[] {
  if (count < 1 || accepted < WORTHWHILE * (drafted - TRIAL)) return []
  for (const length of KEY_LENGTHS) {
    if (tokens.length < length) continue
    const key = tokens.slice(-length)
    for (const source of [tokens, ...sources]) {
      const next = following(source, key, count)
      if (next.length > 0) return next
    }
  }
  return []
}

/** What stands behind the last place of `key` that has something behind it; ends at what is no token. */
function following(source: ArrayLike<number>, key: readonly number[], count: number): number[] {
  for (let start = source.length - key.length - 1; start >= 0; start--) {
    if (!key.every((token, index) => source[start + index] === token)) continue
    const next: number[] = []
    for (let at = start + key.length; at < source.length && next.length < count; at++) {
      if (source[at]! < 0) break
      next.push(source[at]!)
    }
    return next
  }
  return []
}
