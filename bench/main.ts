/**
 * `npm run bench -- NAME... [--runs N]`: runs the benches of ./benches by name and prints a JSON line a
 * measurement: {bench, value, unit, peer, peerValue, ratio, goal, pass}. What else there is to say goes to stderr.
 * Exits with 1 when a goal is missed. Without a name it lists what there is.
 */
import { readdirSync } from 'node:fs'
import { availableParallelism, cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import type { Bench } from './bench.ts'
import goals from './goals.json' with { type: 'json' }
import { toResultLine } from './result.ts'

/** Above this, what is measured is the other processes. */
const IDLE_LOAD = 0.5

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: { runs: { type: 'string' } },
})
const names = readdirSync(new URL('./benches', import.meta.url)).map(file => file.replace(/\.ts$/, ''))
const unknown = positionals.filter(name => !names.includes(name))
if (positionals.length === 0 || unknown.length > 0) {
  const complaint = unknown.length > 0 ? `There is no bench ${unknown.join(', ')}. ` : ''
  console.error(`${complaint}npm run bench -- NAME... [--runs N], where NAME is one of ${names.join(', ')}`)
  process.exit(2)
}

const runs = values.runs === undefined ? undefined : Number(values.runs)
if (runs !== undefined && !(Number.isInteger(runs) && runs > 0)) {
  console.error('--runs takes a whole number above 0')
  process.exit(2)
}
const threads = availableParallelism()
console.error(`# ${cpus()[0]?.model}, ${threads} threads, Node ${process.version}`)
const [load = 0] = loadavg()
console.error(
  `# load average before: ${loadavg()
    .map(value => value.toFixed(2))
    .join(' ')}`,
)
if (load > IDLE_LOAD) console.error('# The machine is busy: these numbers say little.')

// An interrupt ends what the benches started as well: their exit handlers run.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => process.exit(130))

for (const name of positionals) {
  const { default: bench }: { default: Bench } = await import(`./benches/${name}.ts`)
  const log = (message: string) => console.error(`# ${name}: ${message}`)
  for await (const measurement of bench({ threads, runs, log })) {
    const line = toResultLine(measurement, goals)
    console.log(JSON.stringify(line))
    if (line.pass === false) process.exitCode = 1
  }
}
