/** Streamed answers: events as they come, and what they add up to. */
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import { AuricleError, apiErrorOf, ConnectionError } from './errors.ts'
import { type RequestOptions, type Transport, throwIfAborted, type WireRequest } from './transport.ts'

/**
 * A stream of typed events. The request is sent when the first event is asked for, once; leaving the loop cancels it.
 * @example for await (const event of stream) if (event.type === 'text') process.stdout.write(event.text)
 */
export class EventStream<Event, Final> implements AsyncIterable<Event> {
  readonly #events: AsyncGenerator<Event, Final>
  #started = false
  #final: Final | undefined

  constructor(events: AsyncGenerator<Event, Final>) {
    this.#events = events
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Event, void> {
    if (this.#started) throw new AuricleError('A stream can be read only once.')
    this.#started = true
    try {
      while (true) {
        const next = await this.#events.next()
        if (next.done) {
          this.#final = next.value
          return
        }
        yield next.value
      }
    } finally {
      await this.#events.return(undefined as Final)
    }
  }

  /** The whole answer: reads what hasn't been read. @throws AuricleError when the loop was left before the end */
  async final(): Promise<Final> {
    if (!this.#started) for await (const _ of this);
    if (this.#final === undefined) throw new AuricleError('The stream was not read to its end.')
    return this.#final
  }
}

/** What stands in a stream: an event's data as JSON, or a comment. */
export type StreamItem<Data> = { data: Data } | { comment: string }

/**
 * The items of an answer of server-sent events, up to `[DONE]`. The request is sent when the first is asked for, unless it
 * was already. A stream that breaks goes on where it was, as often as there are retries, if it was asked for with an
 * idempotency key: the server keeps what such a request has been answered, and numbers its events.
 * @throws ApiError for an error in the stream; ConnectionError when it ends early; AbortedError
 */
export async function* readEvents<Data>(
  transport: Transport,
  request: WireRequest,
  options: RequestOptions = {},
  opened?: Response,
): AsyncGenerator<StreamItem<Data>, void> {
  let response = opened ?? (await openEvents(transport, request, options))
  const position: Position = { lastEventId: undefined }
  for (let resumed = 0; ; resumed++) {
    try {
      return yield* readResponse<Data>(response, options.signal, position)
    } catch (error) {
      const { lastEventId } = position
      const canResume = options.idempotencyKey !== undefined && lastEventId !== undefined
      if (!(error instanceof ConnectionError) || !canResume || resumed >= transport.retriesOf(options))
        throw error
      const headers = { ...request.headers, 'last-event-id': lastEventId }
      response = await openEvents(transport, { ...request, headers }, options)
    }
  }
}

/** Sends a request whose answer is a stream. */
export function openEvents(
  transport: Transport,
  request: WireRequest,
  options: RequestOptions | undefined,
): Promise<Response> {
  const headers = { ...request.headers, accept: 'text/event-stream' }
  return transport.open({ ...request, headers }, options)
}

/** How far a stream has been read. */
interface Position {
  lastEventId: string | undefined
}

async function* readResponse<Data>(
  response: Response,
  signal: AbortSignal | undefined,
  position: Position,
): AsyncGenerator<StreamItem<Data>, void> {
  const comments: StreamItem<Data>[] = []
  const parser = new ServerSentEventParser(comment => comments.push({ comment }))
  const reader = response.body!.getReader()
  try {
    while (true) {
      const { done, value } = await reader.read()
      throwIfAborted(signal)
      if (done) throw new ConnectionError('The stream ended before the answer did.')
      for (const { event, id, data } of parser.push(value)) {
        yield* comments.splice(0)
        if (data === doneData) return
        const parsed = JSON.parse(data)
        if (event === 'error' || parsed?.error) throw apiErrorOf(parsed, null, response.headers)
        if (id !== undefined) position.lastEventId = id
        yield { data: parsed }
      }
      yield* comments.splice(0)
    }
  } catch (cause) {
    throwIfAborted(signal)
    if (cause instanceof AuricleError) throw cause
    throw new ConnectionError('The stream broke off.', { cause })
  } finally {
    await reader.cancel().catch(() => {})
  }
}
