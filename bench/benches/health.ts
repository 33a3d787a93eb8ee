/**
 * How long `GET /healthz` takes on a worker whose engine has all that it can do: eight streams, a long prompt and a
 * recording after the other. Open loop: measured from when each request was to be sent. No peer.
 */
import { once } from 'node:events'
import { setTimeout } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { startWorker } from '../../test/support/start-process.ts'
import { type Bench, percentile } from '../bench.ts'
import type { LoadSettings, LoadTotals } from '../load-thread.ts'

const STREAMS = 8
/** Room for the prompts and recordings beside the streams. */
const SLOTS = 12
const INTERVAL_MS = 20
const WARM_UP_MS = 3000

const health: Bench = async function* ({ runs = 2000, log }) {
  const worker = await startWorker({ AURICLE_SLOTS: String(SLOTS) })
  process.once('exit', () => worker.child.kill())
  const workerData: LoadSettings = { baseUrl: worker.baseUrl, streams: STREAMS }
  const load = new Worker(new URL('../load-thread.ts', import.meta.url), { workerData })
  try {
    await once(load, 'message')
    await setTimeout(WARM_UP_MS)
    const startMs = performance.now()
    const probe = async (index: number): Promise<number> => {
      const dueMs = startMs + index * INTERVAL_MS
      await setTimeout(Math.max(0, dueMs - performance.now()))
      const response = await fetch(`${worker.baseUrl}/healthz`)
      await response.text()
      if (!response.ok) throw new Error(`/healthz answered ${response.status}`)
      return performance.now() - dueMs
    }
    const latenciesMs = await Promise.all(Array.from({ length: runs }, (_, index) => probe(index)))
    load.postMessage('stop')
    const [totals] = (await once(load, 'message')) as [LoadTotals]
    log(`meanwhile ${totals.answers} answers, ${totals.failures} failures`)
    for (const [name, part] of [
      ['p50', 0.5],
      ['p99', 0.99],
      ['max', 1],
    ] as const) {
      yield { bench: `health/${name}`, value: percentile(latenciesMs, part), unit: 'ms', peer: null }
    }
  } finally {
    await load.terminate()
    await worker.stop()
  }
}
export default health
