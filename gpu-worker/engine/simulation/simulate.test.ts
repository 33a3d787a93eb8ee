import { expect, test } from 'vitest'
import { addReports, simulate } from './simulate.ts'

// A million: `npm run simulate`.
const WORLDS = 200
const REQUESTS = 200

test(`${WORLDS * REQUESTS} random requests: each ends once, in time, with its own tokens, and no slot leaks`, {
  timeout: 600_000,
}, () => {
  const total = addReports(Array.from({ length: WORLDS }, (_, world) => simulate(1 + world, REQUESTS)))
  expect(total.submitted).toBe(WORLDS * REQUESTS)
  // The worlds are varied enough to try everything.
  for (const count of Object.values(total.ends)) expect(count).toBeGreaterThan(200)
  expect(total.reusedPositions).toBeGreaterThan(2000)
  expect(total.forks).toBeGreaterThan(2000)
  expect(total.preemptions).toBeGreaterThan(1000)
  expect(total.replayedTokens).toBeGreaterThan(200)
  expect(total.draftedTokens).toBeGreaterThan(1000)
  expect(total.moves.copy).toBeGreaterThan(200)
  expect(total.moves.swap).toBeGreaterThan(40)
})

test('a seed replays', () => {
  expect(simulate(12, 60)).toEqual(simulate(12, 60))
})
