import { expect, test } from 'vitest'
import { NEGLIGIBLE_NATS, negativeExp, STEPS, STEPS_PER_NAT } from './negative-exp.ts'

test('is exp', () => {
  for (let x = 0; x <= NEGLIGIBLE_NATS; x += 0.000_917) {
    const relativeError = Math.abs(negativeExp(x * STEPS_PER_NAT) / Math.exp(-x) - 1)
    expect(relativeError).toBeLessThan(1e-13)
  }
  expect(negativeExp(0)).toBe(1)
  expect(negativeExp(STEPS - 1)).toBeGreaterThan(0)
})
