import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RetryBudget } from './retry-budget.ts'

const count = (budget: RetryBudget, tries: number, nowMs: number) =>
  Array.from({ length: tries }, () => budget.withdraw(nowMs)).filter(Boolean).length

test('ten a second are free', () => {
  const budget = new RetryBudget()
  expect(count(budget, 50, 0)).toBe(10)
  expect(count(budget, 50, 500)).toBe(5)
  expect(count(budget, 50, 100_000)).toBe(10)
})

test('none is free where none is to be', () => {
  const budget = new RetryBudget({ perRequest: 0.2, perSecond: 0, most: 100 })
  expect([count(budget, 5, 0), count(budget, 5, 60_000)]).toEqual([0, 0])
  for (let i = 0; i < 5; i++) budget.deposit()
  expect(count(budget, 5, 60_000)).toBe(1)
})

test('every fifth request pays for one, and only so many are saved up', () => {
  const budget = new RetryBudget()
  count(budget, 50, 0)
  for (let i = 0; i < 25; i++) budget.deposit()
  expect(count(budget, 50, 0)).toBe(5)
  for (let i = 0; i < 5_000; i++) budget.deposit()
  expect(count(budget, 500, 0)).toBe(100)
})

test('whatever the order, never more than a fifth, ten a second, and ten to begin with', () => {
  const steps = fc.array(
    fc.oneof(fc.constant('come'), fc.constant('retry'), fc.integer({ min: 1, max: 400 })),
  )
  fc.assert(
    fc.property(steps, all => {
      const budget = new RetryBudget()
      let nowMs = 0
      let [came, retried] = [0, 0]
      for (const step of all) {
        if (typeof step === 'number') nowMs += step
        else if (step === 'come') {
          budget.deposit()
          came++
        } else if (budget.withdraw(nowMs)) retried++
      }
      expect(retried).toBeLessThanOrEqual(came * 0.2 + (nowMs / 1000) * 10 + 10 + 1e-6)
    }),
  )
})
