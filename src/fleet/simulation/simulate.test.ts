import { expect, test } from 'vitest'
import { simulate } from './simulate.ts'

/** `node scripts/simulate.ts` runs ten thousand, and one alone by its number. */
const seeds = 300

test(`${seeds} seeds of crashes, partitions, duplicates and roll-outs: each request ends once, and rightly`, async () => {
  const endings: Record<string, number> = {}
  let crashes = 0
  for (let seed = 0; seed < seeds; seed++) {
    const report = await simulate(seed)
    crashes += report.crashes
    for (const [name, count] of Object.entries(report.endings)) endings[name] = (endings[name] ?? 0) + count
  }
  // It is no test of trouble when there was none.
  expect(crashes).toBeGreaterThan(seeds)
  for (const name of [
    'complete',
    'left',
    'worker_failed',
    'worker_unavailable',
    'deadline_exceeded',
    'rate_limit_exceeded',
  ]) {
    expect(endings[name], name).toBeGreaterThan(0)
  }
}, 300_000)

test('a seed replays', async () => {
  for (const seed of [1, 7, 42]) expect(await simulate(seed)).toEqual(await simulate(seed))
})
