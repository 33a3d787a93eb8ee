/** How much is fuzzed, from which seed; and the loop that does it. A failure prints its path: seed and path replay it. */
import fc from 'fast-check'

/** Inputs of each part in a run of `npm run test:fuzz`: more than 50,000 together. */
export const shares = { audio: 20_400, json: 14_000, multipart: 8_000, events: 8_000 }

/** The same inputs each time, unless another seed is asked for. */
export const seed: number = Number(process.env['AURICLE_FUZZ_SEED'] ?? 1)

/** Of all parts of this process: what was really tried. */
const made = new Map<keyof typeof shares, number>()

/** Tries so many inputs, and counts them. @throws fast-check's error, with the smallest input that fails and its path */
export async function fuzz<T>(
  part: keyof typeof shares,
  count: number,
  inputs: fc.Arbitrary<T>,
  check: (input: T) => Promise<void>,
): Promise<void> {
  const property = fc.asyncProperty(inputs, input => {
    made.set(part, (made.get(part) ?? 0) + 1)
    return check(input)
  })
  await fc.assert(property, { numRuns: count, seed })
}

/** From 0 to 1, evenly: fast-check's doubles are mostly next to nothing. */
export const fraction: fc.Arbitrary<number> = fc.nat(2 ** 20 - 1).map(number => number / 2 ** 20)

/** Mostly null: what happens to one input in so many. */
export function oneIn<T>(count: number, inputs: fc.Arbitrary<T>): fc.Arbitrary<T | null> {
  return fc.oneof({ weight: count - 1, arbitrary: fc.constant(null) }, { weight: 1, arbitrary: inputs })
}

/** How many inputs of a part were tried in this process; says so on the way. */
export function inputsMade(part: keyof typeof shares): number {
  const count = made.get(part) ?? 0
  console.log(`fuzz: ${count} inputs of ${part}, seed ${seed}`)
  return count
}
