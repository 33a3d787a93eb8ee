/** A request that waits for a worker to be started, and what its stream says meanwhile. */
import { type ColdStartEvent, serializeColdStart } from '../protocol/cold-start.ts'
import { serializeErrorEvent } from '../protocol/error-response.ts'
import { toApiError } from '../protocol/errors.ts'
import { type Clock, sleep } from './clock.ts'
import { cancelled, tooSlow, unavailable } from './failures.ts'

/** How a model is served now. */
export type Presence = 'absent' | 'loading' | 'ready'

export interface ColdStartOptions {
  clock: Clock
  /** Looks again who is there; called every half second or so. */
  look: () => Promise<Presence>
  /** Calls for a worker; called each time that none is there. */
  start: () => Promise<boolean>
  /** On the clock; null: as long as a cold start may take. */
  deadlineMs: number | null
  signal: AbortSignal
}

/** A worker that isn't there after so long won't come. */
const longestColdStartMs = 300_000
const firstLookAfterMs = 100
const lookEveryMs = 500
/** A stream that says nothing for longer may be closed by something on its way. */
const sayEveryMs = 5_000

/**
 * Waits until a worker is ready; says how it stands when that changes, and every five seconds.
 * @throws ApiError deadline_exceeded, request_cancelled, worker_unavailable when none came
 */
export async function* waitForWorker(options: ColdStartOptions): AsyncGenerator<ColdStartEvent> {
  const { clock, deadlineMs, signal } = options
  const cameMs = clock.now()
  const endMs = deadlineMs ?? cameMs + longestColdStartMs
  let said: ColdStartEvent | null = null
  for (let wait = firstLookAfterMs; ; wait = lookEveryMs) {
    const presence = await options.look()
    const waitedMs = Math.max(0, Math.round(clock.now() - cameMs))
    const type = presence === 'absent' ? 'queued' : presence
    if (said === null || said.type !== type || waitedMs - said.waited_ms >= sayEveryMs) {
      said = { type, waited_ms: waitedMs }
      yield said
    }
    if (presence === 'ready') return
    if (presence === 'absent' && !(await options.start()) && said.waited_ms === 0) throw unavailable()
    if (signal.aborted) throw cancelled()
    const leftMs = endMs - clock.now()
    if (leftMs <= 0) throw deadlineMs === null ? unavailable() : tooSlow()
    await sleep(clock, Math.min(wait, leftMs), signal)
  }
}

/**
 * A stream that is open before a worker is there: first the events of the wait, then the worker's answer. What goes
 * wrong is an error event, since the status is sent.
 * @param answer asks the worker, once one is ready
 */
export function streamWhileWaiting(
  events: AsyncGenerator<ColdStartEvent>,
  answer: () => Promise<Response>,
): Response {
  const encoder = new TextEncoder()
  let body: ReadableStreamDefaultReader<Uint8Array> | null = null
  const stream = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        if (body === null) {
          const { done, value } = await events.next()
          if (!done) return controller.enqueue(encoder.encode(serializeColdStart(value)))
          body = await openedBody(await answer())
        }
        const { done, value } = await body.read()
        if (done) controller.close()
        else controller.enqueue(value)
      } catch (error) {
        controller.enqueue(encoder.encode(serializeErrorEvent(error)))
        controller.close()
      }
    },
    async cancel() {
      await Promise.all([events.return(undefined), body?.cancel()])
    },
  })
  return new Response(stream, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** A worker's stream; an answer that is none is its error, in a stream of one event. */
async function openedBody(response: Response): Promise<ReadableStreamDefaultReader<Uint8Array>> {
  const type = response.headers.get('content-type') ?? ''
  if (response.body !== null && type.startsWith('text/event-stream')) return response.body.getReader()
  const text = await response.text()
  const event = response.ok ? serializeErrorEvent(toApiError(null)) : `event: error\ndata: ${text}\n\n`
  return new Response(event).body!.getReader()
}
