/**
 * `node scripts/simulate.ts [SEEDS] [FROM]`: simulates an edge and its workers with so many seeds (10,000), beginning with
 * FROM (0), and prints what came of it as a JSON line. Exits with 1 at the first broken promise, and names its seed.
 */
import { type SimulationReport, simulate } from '../src/fleet/simulation/simulate.ts'

const [seeds = 10_000, from = 0] = process.argv.slice(2).map(Number)
const totals = { seeds: 0, requests: 0, sent: 0, crashes: 0, simulatedHours: 0 }
const endings: Record<string, number> = {}
const startedMs = performance.now()

for (let seed = from; seed < from + seeds; seed++) {
  let report: SimulationReport
  try {
    report = await simulate(seed)
  } catch (error) {
    console.error(error)
    console.error(`Again: node scripts/simulate.ts 1 ${seed}`)
    process.exit(1)
  }
  totals.seeds++
  totals.sent += report.sent
  totals.crashes += report.crashes
  totals.simulatedHours += report.lastedMs / 3_600_000
  for (const [name, count] of Object.entries(report.endings)) {
    endings[name] = (endings[name] ?? 0) + count
    totals.requests += count
  }
  if (totals.seeds % 1000 === 0) console.error(`${totals.seeds} seeds`)
}
const tookSeconds = Math.round((performance.now() - startedMs) / 1000)
const simulatedHours = Math.round(totals.simulatedHours)
console.log(JSON.stringify({ ...totals, simulatedHours, endings, tookSeconds }))
