import fc from 'fast-check'
import { expect, test } from 'vitest'
import { randomSeed, seededRandom } from './random.ts'

test('a seed replays', () => {
  fc.assert(
    fc.property(fc.maxSafeInteger(), seed => {
      const [a, b] = [seededRandom(seed), seededRandom(seed)]
      for (let draw = 0; draw < 20; draw++) expect(a()).toBe(b())
    }),
  )
})

test('the algorithm is fixed: these draws may never change', () => {
  const random = seededRandom(42)
  expect([random(), random(), random()].map(value => value.toFixed(12))).toMatchInlineSnapshot(`
    [
      "0.153771652657",
      "0.018084542542",
      "0.534890628468",
    ]
  `)
})

test('seeds differ, also those that differ only above 32 bits and in sign', () => {
  const seeds = [0, 1, -1, 2, 2 ** 32, 2 ** 33, -(2 ** 32), 42, 43]
  const firstDraws = new Set(seeds.map(seed => seededRandom(seed)()))
  expect(firstDraws.size).toBe(seeds.length)
})

test('draws are even: chi-squared over 64 cells', () => {
  const random = seededRandom(7)
  const cells = new Array<number>(64).fill(0)
  const draws = 64_000
  for (let draw = 0; draw < draws; draw++) cells[Math.floor(random() * 64)]! += 1
  const expected = draws / 64
  const chiSquared = cells.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0)
  // 63 degrees of freedom: outside of this one time in a thousand.
  expect(chiSquared).toBeGreaterThan(33)
  expect(chiSquared).toBeLessThan(104)
})

test('drawn seeds are integers that a double holds', () => {
  for (let draw = 0; draw < 100; draw++) expect(Number.isSafeInteger(randomSeed())).toBe(true)
})
