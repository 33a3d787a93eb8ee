/**
 * `node test/faults/chaos.ts [SECONDS] [real]`: kills one of three workers every ten seconds, for five minutes unless said,
 * with fake workers or the real one. Prints a JSON line; exits with 1 when a request failed that had not begun to stream.
 */
import { runChaos } from './workers-that-die.ts'

const [seconds = '300', workers = 'fake'] = process.argv.slice(2)
const report = await runChaos({
  workers: workers === 'real' ? 'real' : 'fake',
  seconds: Number(seconds),
  killEveryMs: 10_000,
  clients: workers === 'real' ? 4 : 16,
  log: message => console.error(message),
})
console.log(
  JSON.stringify({ ...report, failures: report.failures.length, first: report.failures.slice(0, 3) }),
)
process.exit(report.failures.length === 0 ? 0 : 1)
