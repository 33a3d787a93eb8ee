/** Answers that are streams of events. */
import { ApiError, toErrorBody } from '../../src/protocol/errors.ts'
import { doneData, serializeEvent } from '../../src/protocol/sse.ts'

/**
 * Server-sent events, an object each, made as the client takes them; `[DONE]` at the end, or the error.
 * @param cancel told when the client leaves
 */
export function eventResponse(events: AsyncGenerator<object>, cancel: () => void): Response {
  const encoder = new TextEncoder()
  const encode = (data: object | string) =>
    encoder.encode(serializeEvent({ data: typeof data === 'string' ? data : JSON.stringify(data) }))
  let hasLeft = false
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      try {
        const { done, value } = await events.next()
        if (hasLeft) return
        controller.enqueue(encode(done ? doneData : value))
        if (done) controller.close()
      } catch (error) {
        if (hasLeft) return
        if (!(error instanceof ApiError)) console.error(error)
        controller.enqueue(encode(toErrorBody(error)))
        controller.close()
      }
    },
    async cancel() {
      hasLeft = true
      cancel()
      await events.return(undefined)
    },
  })
  return new Response(body, {
    headers: { 'content-type': 'text/event-stream; charset=utf-8', 'cache-control': 'no-store' },
  })
}

/** Waits for the first value, so that what fails before it fails here; then gives all of them. */
export async function withFirst<T>(source: AsyncGenerator<T>): Promise<AsyncIterable<T>> {
  const first = await source.next()
  return (async function* () {
    try {
      if (!first.done) yield first.value
      yield* source
    } finally {
      await source.return(undefined)
    }
  })()
}
