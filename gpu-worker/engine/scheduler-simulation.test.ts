import { expect, test } from 'vitest'
import { type SimulationReport, simulate } from './scheduler-simulation.ts'

// AURICLE_SIMULATION_SEEDS=10000 for a long run; AURICLE_SIMULATION_FIRST_SEED=n to replay one.
const FIRST_SEED = Number(process.env['AURICLE_SIMULATION_FIRST_SEED'] ?? 1)
const SEEDS = Number(process.env['AURICLE_SIMULATION_SEEDS'] ?? 200)
const REQUESTS_A_SEED = 100

test(`${SEEDS * REQUESTS_A_SEED} random requests: each ends once, with its own tokens, and no slot leaks`, {
  timeout: 600_000,
}, () => {
  const reports: SimulationReport[] = []
  for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) reports.push(simulate(seed, REQUESTS_A_SEED))
  const total = (count: (report: SimulationReport) => number) =>
    reports.reduce((sum, report) => sum + count(report), 0)
  expect(total(report => report.submitted)).toBe(SEEDS * REQUESTS_A_SEED)
  if (SEEDS < 100) return
  // The world is varied enough to try everything.
  for (const end of ['stop', 'length', 'failed', 'expired', 'cancelled'] as const) {
    expect(total(report => report.ends[end])).toBeGreaterThan(100)
  }
  expect(total(report => report.refused)).toBeGreaterThan(100)
  expect(total(report => report.reusedPositions)).toBeGreaterThan(1000)
  expect(total(report => report.moves.copy)).toBeGreaterThan(100)
  expect(total(report => report.moves.swap)).toBeGreaterThan(20)
})

test('a seed replays', () => {
  expect(simulate(12, 60)).toEqual(simulate(12, 60))
})
