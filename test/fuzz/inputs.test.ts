import { expect, test } from 'vitest'
import { shares } from './inputs.ts'

test('a run tries at least 50,000 inputs', () => {
  expect(Object.values(shares).reduce((sum, share) => sum + share, 0)).toBeGreaterThanOrEqual(50_000)
})
