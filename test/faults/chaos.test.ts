import { expect, test } from 'vitest'
import { runChaos } from './workers-that-die.ts'

test('workers are killed under load: what had not begun to stream does not fail, what had ends in a typed error', async () => {
  const report = await runChaos({
    workers: 'fake',
    seconds: 15,
    killEveryMs: 2_500,
    clients: 8,
    log: () => {},
  })
  expect(report.failures).toEqual([])
  expect(report.kills).toBeGreaterThanOrEqual(4)
  expect(report.answered).toBeGreaterThan(20)
})
