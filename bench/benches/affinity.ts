/**
 * How often a request finds its audio encoded at the worker that it is sent to: the fleet's choice beside one that knows
 * nothing of audio. Virtual time and workers, the real fleet; audios are as popular as words are (Zipf), workers keep the
 * last ones they heard.
 */
import { Fleet } from '../../src/fleet/fleet.ts'
import { VirtualTime } from '../../src/fleet/simulation/virtual-time.ts'
import { protocolVersion } from '../../src/protocol/health.ts'
import { type Bench, seededRandom } from '../bench.ts'

const WORKERS = 8
const SLOTS = 8
const AUDIOS = 1500
/** Audios that a worker keeps encoded: an eighth of all, and a fifth more. */
const KEPT = Math.ceil((AUDIOS / WORKERS) * 1.2)
/** How long an answer takes where the audio is encoded, and where it isn't. */
const HIT_MS = 200
const MISS_MS = 350
/** Of all slots that are busy when every request finds its audio. */
const BUSY = 0.6

interface Tally {
  hits: number
  requests: number
  tookMs: number
}

const affinity: Bench = async function* ({ runs = 20_000, log }) {
  const [aware, blind] = [await simulate(runs, true), await simulate(runs, false)]
  const rate = ({ hits, requests }: Tally) => hits / requests
  const mean = ({ tookMs, requests }: Tally) => tookMs / requests
  log(`${AUDIOS} audios, ${WORKERS} workers that keep ${KEPT} each, ${runs} requests`)
  yield {
    bench: 'affinity/hits',
    value: rate(aware),
    unit: '',
    peer: { name: 'any worker', value: rate(blind) },
  }
  yield {
    bench: 'affinity/mean',
    value: mean(aware),
    unit: 'ms',
    peer: { name: 'any worker', value: mean(blind) },
  }
}
export default affinity

async function simulate(requests: number, knowsAudio: boolean): Promise<Tally> {
  const time = new VirtualTime()
  const random = seededRandom(1)
  const tally: Tally = { hits: 0, requests: 0, tookMs: 0 }
  /** Of each worker the audios it keeps, the one heard longest ago first. */
  const kept = new Map(Array.from({ length: WORKERS }, (_, i) => [`w${i}`, new Set<string>()]))

  const fleet = new Fleet({
    addresses: () => [...kept.keys()].map(id => ({ id, url: `http://${id}` })),
    clock: time,
    fetch: async (input, init) => {
      const { hostname, pathname } = new URL(String(input))
      if (pathname === '/readyz') return Response.json(readiness)
      const cache = kept.get(hostname)!
      const audio = new TextDecoder().decode(init!.body as Uint8Array)
      const hit = cache.delete(audio)
      cache.add(audio)
      if (cache.size > KEPT) cache.delete(cache.keys().next().value!)
      if (hit) tally.hits++
      await new Promise<void>(resolve => time.after(hit ? HIT_MS : MISS_MS, resolve))
      return Response.json({})
    },
  })

  const zipf = zipfian(AUDIOS, random)
  const everyMs = HIT_MS / (WORKERS * SLOTS * BUSY)
  let ended = 0
  const ask = async () => {
    const key = `audio-${zipf()}`
    const cameMs = time.now()
    await fleet.forward({
      model: 'pocket',
      path: '/v1/chat/completions',
      requestId: 'req_1',
      tenant: 'default',
      body: new TextEncoder().encode(key),
      audio: knowsAudio ? [{ kind: 'content', key }] : [],
      signal: new AbortController().signal,
      background: () => {},
    })
    tally.requests++
    tally.tookMs += time.now() - cameMs
    ended++
  }
  let arrived = 0
  const arrive = () => {
    void ask()
    if (++arrived < requests) time.after(-Math.log(1 - random()) * everyMs, arrive)
  }
  time.after(0, arrive)
  await time.run(() => ended >= requests)
  return tally
}

const readiness = {
  status: 'ready',
  protocol_version: protocolVersion,
  models: ['pocket'],
  load: { running: 0, waiting: 0, slots: SLOTS },
}

/** Draws ranks of which the k-th is drawn 1/k as often as the first. */
function zipfian(count: number, random: () => number): () => number {
  const sums: number[] = []
  let sum = 0
  for (let rank = 1; rank <= count; rank++) {
    sum += 1 / rank
    sums.push(sum)
  }
  return () => {
    const target = random() * sum
    let [low, high] = [0, count - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (sums[middle]! < target) low = middle + 1
      else high = middle
    }
    return low
  }
}
