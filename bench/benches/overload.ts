/**
 * Three times as many requests as the workers can answer, for a while: how many are still answered in time, beside the
 * most that are when nobody asks too much; and how soon the others are told that it isn't their turn. With two fake
 * workers, whose slots only wait, so that what is measured is who is let in; and with a real one.
 */
import type { Bench } from '../bench.ts'
import { EdgeProcess, percentile, type TimedAnswer } from '../edge-process.ts'
import type { Measurement } from '../result.ts'

const WORKERS = 2
/** Of each fake worker. */
const SLOTS = 8
const SERVICE_MS = 100
/** So many each second keep all slots busy, were nothing lost. */
const CAPACITY = (WORKERS * SLOTS * 1000) / SERVICE_MS
/** At once, to find out what the real worker can do. */
const CLIENTS = 16

/** An answer, and when it came after the first was asked for. */
interface PlacedAnswer extends TimedAnswer {
  atMs: number
}

interface Load {
  ask: () => Promise<TimedAnswer>
  deadlineMs: number
  seconds: number
}

const overload: Bench = async function* ({ runs: seconds = 10, log }) {
  const deadlineMs = 1_000
  const fake = await EdgeProcess.start(WORKERS)
  try {
    const load = { ask: asker(fake, `work ${SERVICE_MS}`, deadlineMs), deadlineMs, seconds }
    await rate({ ...load, seconds: 3 }, CAPACITY / 2)
    yield* measure('overload', load, CAPACITY, log)
  } finally {
    await fake.stop()
  }

  const real = await EdgeProcess.start(1, 'real')
  try {
    const load = { ask: asker(real, 'Count to ten.', 3_000), deadlineMs: 3_000, seconds }
    await atOnce(load)
    const capacity = await atOnce(load)
    log(`the real worker answers ${capacity.toFixed(1)} a second`)
    yield* measure('overload/real', load, capacity, log)
  } finally {
    await real.stop()
  }
}
export default overload

async function* measure(
  name: string,
  load: Load,
  capacity: number,
  log: (message: string) => void,
): AsyncIterable<Measurement> {
  // Not while queues fill, and not what is still answered when nobody asks any more.
  const [fromMs, untilMs] = [load.deadlineMs, load.seconds * 1000]
  const goodput = (answers: readonly PlacedAnswer[]) => {
    const counted = answers.filter(({ atMs }) => atMs >= fromMs && atMs < untilMs)
    return (counted.filter(answer => isGood(answer, load)).length * 1000) / (untilMs - fromMs)
  }
  const peak = Math.max(goodput(await rate(load, capacity * 0.9)), goodput(await rate(load, capacity)))
  const answers = await rate(load, 3 * capacity)
  const refused = answers.filter(({ status }) => status === 503)
  const good = answers.filter(answer => isGood(answer, load))
  const late = answers.length - refused.length - good.length
  log(`${answers.length} asked, ${refused.length} refused, ${late} answered too late or otherwise`)
  yield { bench: `${name}/goodput`, value: goodput(answers), unit: '/s', peer: { name: 'peak', value: peak } }
  const refusals = refused.map(({ milliseconds }) => milliseconds)
  yield { bench: `${name}/refusal-p99`, value: percentile(refusals, 0.99), unit: 'ms', peer: null }
}

function asker(processes: EdgeProcess, text: string, deadlineMs: number): Load['ask'] {
  return () => processes.ask(processes.edgeUrl, text, { 'x-request-timeout': String(deadlineMs / 1000) })
}

/** Asks so often a second whatever comes back, as clients do who know nothing of each other. */
async function rate({ ask, seconds }: Load, perSecond: number): Promise<PlacedAnswer[]> {
  const answers: Promise<PlacedAnswer>[] = []
  const startedMs = performance.now()
  while (performance.now() - startedMs < seconds * 1000) {
    const due = Math.floor(((performance.now() - startedMs) / 1000) * perSecond)
    while (answers.length < due) {
      answers.push(ask().then(answer => ({ ...answer, atMs: performance.now() - startedMs })))
    }
    await new Promise(resolve => setTimeout(resolve, 2))
  }
  return Promise.all(answers)
}

/** Answers a second where clients ask again when they have theirs. */
async function atOnce(load: Load): Promise<number> {
  const startedMs = performance.now()
  let good = 0
  await Promise.all(
    Array.from({ length: CLIENTS }, async () => {
      while (performance.now() - startedMs < load.seconds * 1000) if (isGood(await load.ask(), load)) good++
    }),
  )
  return (good * 1000) / (performance.now() - startedMs)
}

function isGood({ status, milliseconds }: TimedAnswer, { deadlineMs }: Load): boolean {
  return status === 200 && milliseconds <= deadlineMs
}
