/**
 * What the edge costs: small requests through it, beside the same to the worker itself, so many a second of both whatever
 * comes back, each measured from when it was to be sent; and how many the edge takes a second, with one core to itself.
 */
import { setTimeout } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import { EdgeProcess, percentile } from '../edge-process.ts'

/** Of each of the two. */
const PER_SECOND = 200
const CONNECTIONS = 64
const WARM_UP_SECONDS = 3
const SECONDS = 5

const edge: Bench = async function* ({ runs = 2000, log }) {
  const processes = await EdgeProcess.start(1)
  try {
    await saturate(processes, WARM_UP_SECONDS)
    const [through, direct] = await side(processes, runs)
    for (const [name, part] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      const [ours, bare] = [percentile(through, part), percentile(direct, part)]
      log(`${name}: ${ours.toFixed(2)} ms through the edge, ${bare.toFixed(2)} ms to the worker`)
      yield {
        bench: `edge/overhead-${name}`,
        value: ours - bare,
        unit: 'ms',
        peer: { name: 'worker', value: bare },
      }
    }

    const { perSecond, cores, processorMs } = await saturate(processes, SECONDS)
    log(`${cores.toFixed(2)} cores used by the edge, ${processorMs.toFixed(3)} ms a request`)
    yield { bench: 'edge/requests', value: perSecond, unit: '/s', peer: null }
    yield { bench: 'edge/requests-per-core', value: perSecond / cores, unit: '/s of a core', peer: null }
  } finally {
    await processes.stop()
  }
}
export default edge

/** Milliseconds of requests through the edge, and of as many to the worker between them. */
async function side(processes: EdgeProcess, runs: number): Promise<[number[], number[]]> {
  const startMs = performance.now()
  const ask = async (url: string, dueMs: number): Promise<number> => {
    // Rounded up: a timer with half a millisecond fires that much too early.
    await setTimeout(Math.ceil(Math.max(0, dueMs - performance.now())))
    const { status, milliseconds } = await processes.ask(url, 'Hello.', {}, dueMs)
    if (status !== 200) throw new Error(`a request was answered with ${status}`)
    return milliseconds
  }
  const all = (url: string, offset: number) =>
    Promise.all(
      Array.from({ length: runs }, (_, i) => ask(url, startMs + ((i + offset) * 1000) / PER_SECOND)),
    )
  return Promise.all([all(processes.edgeUrl, 0), all(processes.workerUrls[0]!, 0.5)])
}

/** As many as it takes, over so many connections. */
async function saturate(processes: EdgeProcess, seconds: number) {
  const usedBefore = await processes.edgeProcessorSeconds()
  const startedMs = performance.now()
  let answered = 0
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async () => {
      while (performance.now() - startedMs < seconds * 1000) {
        if ((await processes.ask(processes.edgeUrl, 'Hello.')).status === 200) answered++
      }
    }),
  )
  const lastedSeconds = (performance.now() - startedMs) / 1000
  const used = (await processes.edgeProcessorSeconds()) - usedBefore
  return {
    perSecond: answered / lastedSeconds,
    cores: used / lastedSeconds,
    processorMs: (used / answered) * 1000,
  }
}
