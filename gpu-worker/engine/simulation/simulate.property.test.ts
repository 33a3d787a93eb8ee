// Of a world that breaks a promise the smallest is found: the fewest requests of a seed.
import fc from 'fast-check'
import { test } from 'vitest'
import { simulate } from './simulate.ts'

test('every world of few requests keeps its promises', () => {
  const seed = fc.integer({ min: 0, max: 0xffffffff })
  fc.assert(
    fc.property(seed, fc.integer({ min: 1, max: 40 }), (world, requests) => {
      simulate(world, requests)
    }),
    { numRuns: 300 },
  )
})
