/**
 * `npm run simulate -- [--requests 1000000] [--seed 1]`: random requests through the scheduler, in worlds of a
 * thousand each. Prints what they came to; the first broken promise ends it with the seed that replays it.
 */
import { parseArgs } from 'node:util'
import { addReports, simulate } from '../gpu-worker/engine/simulation/simulate.ts'
import type { SimulationReport } from '../gpu-worker/engine/simulation/simulated-world.ts'

const REQUESTS_A_WORLD = 1000

const { values } = parseArgs({
  options: {
    requests: { type: 'string', default: '1000000' },
    seed: { type: 'string', default: '1' },
  },
})
const [requests, firstSeed] = [Number(values.requests), Number(values.seed)]
if (!(Number.isSafeInteger(requests) && requests > 0 && Number.isSafeInteger(firstSeed))) {
  console.error('--requests takes a whole number above 0, --seed a whole number')
  process.exit(2)
}

const startedMs = performance.now()
let total: SimulationReport | null = null
for (let left = requests, seed = firstSeed; left > 0; left -= REQUESTS_A_WORLD, seed++) {
  const report = simulate(seed, Math.min(left, REQUESTS_A_WORLD))
  total = total === null ? report : addReports([total, report])
}
console.log(
  JSON.stringify({ ...total, seconds: Math.round((performance.now() - startedMs) / 1000) }, null, 2),
)
