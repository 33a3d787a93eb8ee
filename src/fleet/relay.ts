/**
 * Relays a stream of events from a worker to a client: whole events only, at the client's pace. A stream that breaks
 * before `[DONE]` ends in a typed error event; a client that goes away cancels the worker's work.
 */
import { ApiError } from '../protocol/errors.ts'
import { doneData, ServerSentEventParser, serializeErrorEvent } from '../protocol/sse.ts'
import { EventFramer } from './event-framer.ts'

/**
 * @param upstream the worker's body
 * @param abortUpstream called once when the client leaves
 */
export function relayEvents(
  upstream: ReadableStream<Uint8Array>,
  abortUpstream: () => void,
): ReadableStream<Uint8Array> {
  const reader = upstream.getReader()
  const framer = new EventFramer()
  let terminated = false

  /** Enqueues at least one event, or closes. */
  async function pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    while (true) {
      let events: Uint8Array[]
      try {
        const { done, value } = await reader.read()
        if (done) return finish(controller, null)
        events = framer.push(value)
      } catch (cause) {
        abortUpstream()
        return finish(controller, cause)
      }
      for (const event of events) {
        controller.enqueue(event)
        if (isTerminal(event)) terminated = true
      }
      if (events.length > 0) return
    }
  }

  function finish(controller: ReadableStreamDefaultController<Uint8Array>, cause: unknown): void {
    if (!terminated) {
      const error = new ApiError('worker_failed', {
        message: 'The worker broke off while it answered; the answer is incomplete. Send the request again.',
        cause,
      })
      controller.enqueue(new TextEncoder().encode(serializeErrorEvent(error)))
    }
    controller.close()
  }

  return new ReadableStream<Uint8Array>({
    pull,
    cancel: async () => {
      abortUpstream()
      await reader.cancel().catch(() => {})
    },
  })
}

/** Whether an event ends its stream: `[DONE]`, or an error. */
function isTerminal(event: Uint8Array): boolean {
  const [parsed] = new ServerSentEventParser().push(event)
  if (parsed === undefined) return false
  return parsed.data === doneData || parsed.event === 'error' || parsed.data.startsWith('{"error"')
}
