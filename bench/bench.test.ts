import { expect, test } from 'vitest'
import { median, seededRandom } from './bench.ts'

test('median', () => {
  expect(median([9, 1, 5])).toBe(5)
  expect(median([4, 1, 3, 2])).toBe(2.5)
  expect(() => median([])).toThrow(RangeError)
})

test('seeded random numbers are the same again, in range, and different by seed', () => {
  const draw = (seed: number) => Array.from({ length: 100 }, seededRandom(seed))
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
  expect(draw(3).every(value => value >= 0 && value < 1)).toBe(true)
})
