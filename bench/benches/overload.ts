/**
 * Three times as many requests as two workers can answer, for a while: how much is still answered in time, beside the
 * most that they answer when nobody asks too much; and how soon the others are told that it isn't their turn.
 */
import type { Bench } from '../bench.ts'
import { EdgeProcess, percentile, type TimedAnswer } from '../edge-process.ts'

const WORKERS = 2
/** Of each fake worker. */
const SLOTS = 8
const SERVICE_MS = 100
const DEADLINE_SECONDS = 1
/** So many each second keep all slots busy, were nothing lost. */
const CAPACITY = (WORKERS * SLOTS * 1000) / SERVICE_MS

const overload: Bench = async function* ({ runs = 10, log }) {
  const processes = await EdgeProcess.start(WORKERS)
  try {
    const ask = () =>
      processes.ask(processes.edgeUrl, `work ${SERVICE_MS}`, {
        'x-request-timeout': String(DEADLINE_SECONDS),
      })
    await rate(ask, CAPACITY / 2, 3)
    const peak = Math.max(
      goodput(await rate(ask, CAPACITY * 0.9, runs), runs),
      goodput(await rate(ask, CAPACITY, runs), runs),
    )
    const answers = await rate(ask, 3 * CAPACITY, runs)
    const kept = goodput(answers, runs)
    const refused = answers.filter(({ status }) => status === 503)
    const late = answers.length - refused.length - answers.filter(isGood).length
    log(`${answers.length} asked, ${refused.length} refused, ${late} answered too late or otherwise`)
    yield { bench: 'overload/goodput', value: kept, unit: '/s', peer: { name: 'peak', value: peak } }
    const refusals = refused.map(({ milliseconds }) => milliseconds)
    yield { bench: 'overload/refusal-p99', value: percentile(refusals, 0.99), unit: 'ms', peer: null }
  } finally {
    await processes.stop()
  }
}
export default overload

/** Asks so often a second whatever comes back, as clients do who know nothing of each other. */
async function rate(
  ask: () => Promise<TimedAnswer>,
  perSecond: number,
  seconds: number,
): Promise<TimedAnswer[]> {
  const answers: Promise<TimedAnswer>[] = []
  const startedMs = performance.now()
  while (performance.now() - startedMs < seconds * 1000) {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond)
    while (answers.length < due) answers.push(ask())
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  return Promise.all(answers)
}

function isGood({ status, milliseconds }: TimedAnswer): boolean {
  return status === 200 && milliseconds <= DEADLINE_SECONDS * 1000
}

function goodput(answers: readonly TimedAnswer[], seconds: number): number {
  return answers.filter(isGood).length / seconds
}
