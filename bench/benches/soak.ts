/**
 * Thousands of short requests through `npm start` (`--runs` says how many): how much the resident memory of all its
 * processes grows once it has warmed up, and how many requests fail. No peer.
 */
import { inspect } from 'node:util'
import { type Bench, seededRandom } from '../bench.ts'
import { cutClips } from '../clips.ts'
import { ServerProcess } from '../server-process.ts'
import { streamChat } from '../stream-chat.ts'

const CLIENTS = 8
/** Few enough for every cache to have seen all of them in the warm-up. */
const CLIPS = 16
const CLIP_SECONDS = 1.5
const WARM_UP_PART = 0.3
const SAMPLES = 100

const soak: Bench = async function* ({ runs = 10_000, log }) {
  const random = seededRandom(11)
  const below = (limit: number) => Math.floor(random() * limit)
  const clips = await cutClips(CLIPS, CLIP_SECONDS)
  const server = await ServerProcess.start()
  const memory: { request: number; bytes: number }[] = []
  let sent = 0
  let failures = 0

  async function sendOne(request: number): Promise<void> {
    const wav = request % 4 === 0 ? clips[below(CLIPS)]! : null
    const text = `${request}: what is ${'very '.repeat(below(40))}good about ${below(1000)} bees?`
    // One in ten clients leaves early.
    const signal = below(10) === 0 ? AbortSignal.timeout(1 + below(300)) : new AbortController().signal
    try {
      await streamChat(server.url, { audio: wav, text, maxTokens: 1 + below(8) }, signal)
    } catch (error) {
      if (signal.aborted) return
      failures += 1
      log(`request ${request}: ${inspect(error)}`)
    }
  }

  async function client(): Promise<void> {
    while (sent < runs) {
      const request = sent++
      await sendOne(request)
      if (request % Math.ceil(runs / SAMPLES) === 0) {
        const bytes = await server.residentBytes()
        memory.push({ request, bytes })
        if (memory.length % 10 === 1) log(`${request} requests: ${(bytes / 1e6).toFixed(1)} MB`)
      }
    }
  }

  try {
    await Promise.all(Array.from({ length: CLIENTS }, client))
    const warm = memory.filter(({ request }) => request >= runs * WARM_UP_PART)
    const growth = slope(warm.map(({ request, bytes }) => [request / 1000, bytes / 1e6]))
    yield { bench: 'soak/memory-growth', value: growth, unit: 'MB/1000 requests', peer: null }
    yield { bench: 'soak/failures', value: failures, unit: 'requests', peer: null }
  } finally {
    await server.stop()
  }
}
export default soak

/** Of the line that lies closest to the points (least squares). */
function slope(points: readonly (readonly [x: number, y: number])[]): number {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
  const [meanX, meanY] = [mean(points.map(([x]) => x)), mean(points.map(([, y]) => y))]
  const covariance = points.reduce((sum, [x, y]) => sum + (x - meanX) * (y - meanY), 0)
  return covariance / points.reduce((sum, [x]) => sum + (x - meanX) ** 2, 0)
}
