import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { assumptions, plan, tables, waitProbability } from './scale.ts'

test('docs/scale.md has the tables that are computed', async () => {
  const page = await readFile(new URL('../docs/scale.md', import.meta.url), 'utf8')
  expect(page).toContain(tables())
  for (const value of Object.values(assumptions)) expect(page).toContain(value.toLocaleString('en-US'))
})

test('Erlang C is what queueing theory says', () => {
  // M/M/1: the utilization itself. M/M/2 at 0.5: 1/3. M/M/c tables: 0.409 for ten servers at 0.8.
  expect(waitProbability(1, 0.7)).toBeCloseTo(0.7, 10)
  expect(waitProbability(2, 0.5)).toBeCloseTo(1 / 3, 10)
  expect(waitProbability(10, 0.8)).toBeCloseTo(0.4092, 3)
})

test('more workers, less waiting', () => {
  expect(plan(100).meanWaitSeconds).toBeLessThan(plan(1).meanWaitSeconds / 10)
})
