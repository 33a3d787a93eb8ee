/** Errors of a transcript: the least number of units to change, leave out or put in (Levenshtein's distance). */

/** Errors, and how many units there should have been. */
export interface Errors {
  readonly errors: number
  readonly units: number
}

/** Units are words, or characters: whatever the lists hold. */
export function countErrors(expected: readonly string[], heard: readonly string[]): Errors {
  let row = Array.from({ length: heard.length + 1 }, (_, k) => k)
  for (const [i, unit] of expected.entries()) {
    const next = [i + 1]
    for (const [j, other] of heard.entries()) {
      next.push(Math.min(row[j + 1]! + 1, next[j]! + 1, row[j]! + (unit === other ? 0 : 1)))
    }
    row = next
  }
  return { errors: row[heard.length]!, units: expected.length }
}
