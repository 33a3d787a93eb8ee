/**
 * How long after its clients have gone a worker's slots are free: requests with and without audio, given up at
 * random moments, several at once. From the abort until `GET /readyz` counts nobody; at the end nobody may be left.
 * No peer.
 */
import { setTimeout } from 'node:timers/promises'
import { startWorker } from '../../test/support/start-process.ts'
import { type Bench, percentile, seededRandom } from '../bench.ts'
import { cutClips } from '../clips.ts'
import { streamChat } from '../stream-chat.ts'

const AT_ONCE = 8
const CLIPS = 40
const CLIP_SECONDS = 6
/** An answer takes longer: most are given up while they are decoded, some before. */
const LATEST_MS = 1500
const POLL_MS = 2
const PATIENCE_MS = 10_000

const aborts: Bench = async function* ({ runs = 1000, log }) {
  const random = seededRandom(3)
  const clips = await cutClips(CLIPS, CLIP_SECONDS)
  const worker = await startWorker()
  process.once('exit', () => worker.child.kill())
  const busySlots = async (): Promise<number> => {
    const response = await fetch(`${worker.baseUrl}/readyz`)
    const { load } = (await response.json()) as { load: { running: number; waiting: number } }
    return load.running + load.waiting
  }
  let sent = 0
  const ask = (signal: AbortSignal) => {
    const wav = random() < 0.5 ? clips[sent % CLIPS]! : null
    const text = `${sent++}: ${'Tell me more about bees. '.repeat(1 + Math.floor(random() * 60))}`
    return streamChat(worker.baseUrl, { audio: wav, text, maxTokens: 500 }, signal)
  }
  try {
    const freeMs: number[] = []
    let gone = 0
    while (gone < runs) {
      const abort = new AbortController()
      const answers = Array.from({ length: AT_ONCE }, () => ask(abort.signal))
      // Whoever is through before doesn't count.
      let left = AT_ONCE
      const settled = Promise.allSettled(answers.map(answer => answer.then(() => left--)))
      await setTimeout(random() * LATEST_MS)
      gone += left
      const abortedMs = performance.now()
      abort.abort()
      while ((await busySlots()) > 0 && performance.now() - abortedMs < PATIENCE_MS) await setTimeout(POLL_MS)
      freeMs.push(performance.now() - abortedMs)
      await settled
    }
    log(`${gone} aborts in ${freeMs.length} rounds`)
    // What is still decoded or encoded when its client goes would get a slot later.
    await setTimeout(1000)
    for (const [name, part] of [
      ['p50', 0.5],
      ['p99', 0.99],
    ] as const) {
      yield { bench: `aborts/slots-free-${name}`, value: percentile(freeMs, part), unit: 'ms', peer: null }
    }
    yield { bench: 'aborts/leaked', value: await busySlots(), unit: 'slots', peer: null }
  } finally {
    await worker.stop()
  }
}
export default aborts
