/**
 * Relays a stream of events from a worker to a client: whole events only, at the client's pace. A stream that breaks
 * before its last event ends in a typed error event; a client that goes away cancels the worker's work.
 */
import { serializeErrorEvent } from '../protocol/error-response.ts'
import { type ApiError, toApiError } from '../protocol/errors.ts'
import { doneData, ServerSentEventParser } from '../protocol/sse.ts'
import { EventFramer } from './event-framer.ts'
import { brokenOff } from './failures.ts'

/** How a relayed stream ended. */
export type RelayEnd =
  | 'complete'
  /** In an error event of the worker's. */
  | 'failed'
  /** In one that says that the request's time was over. */
  | 'late'
  /** In the middle, and so in an error event of ours. */
  | 'broken'
  /** The client left. */
  | 'left'

/** What an event of the worker's may end its stream with. */
type LastEvent = Extract<RelayEnd, 'complete' | 'failed' | 'late'>

export interface RelayOptions {
  /** Stops the worker's work; called when the client leaves and when the stream is broken. */
  abort: () => void
  /** Called once. */
  ended?: (how: RelayEnd) => void
  /** The error for the client when the stream breaks; `worker_failed` where it isn't told. */
  errorOf?: (cause: unknown) => ApiError
  /** Changes an event on its way; what becomes nothing is left out. */
  rewrite?: (event: Uint8Array) => Uint8Array
}

/** Relays from the first byte on. */
export function relayEvents(
  upstream: ReadableStream<Uint8Array>,
  options: RelayOptions,
): ReadableStream<Uint8Array> {
  return new Relay(upstream, options).toStream()
}

/**
 * Waits for the first event that says something, so that a worker which breaks off before it has done nothing that the
 * client saw: whose turn it is comes before the first token, which may take long.
 * @throws what reading throws, or `worker_failed` when the stream ends without an event
 */
export async function openRelay(
  upstream: ReadableStream<Uint8Array>,
  options: RelayOptions,
): Promise<ReadableStream<Uint8Array>> {
  const relay = new Relay(upstream, options)
  await relay.open()
  return relay.toStream()
}

class Relay {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #options: RelayOptions
  readonly #framer = new EventFramer()
  /** Events that were read and not passed on yet. */
  #held: Uint8Array[] = []
  #end: LastEvent | null = null
  #told = false

  constructor(upstream: ReadableStream<Uint8Array>, options: RelayOptions) {
    this.#reader = upstream.getReader()
    this.#options = options
  }

  async open(): Promise<void> {
    // A comment keeps a connection open; it isn't the beginning of an answer.
    while (!this.#held.some(event => event[0] !== colon && !isOpening(event))) {
      const { done, value } = await this.#reader.read()
      if (done) throw brokenOff()
      this.#held.push(...this.#framer.push(value))
    }
  }

  toStream(): ReadableStream<Uint8Array> {
    return new ReadableStream<Uint8Array>({
      pull: controller => this.#pull(controller),
      cancel: async () => {
        this.#options.abort()
        this.#tell('left')
        await this.#reader.cancel().catch(() => {})
      },
    })
  }

  /** Enqueues at least one event, or closes. */
  async #pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    const { rewrite = event => event } = this.#options
    for (let isPassedOn = false; !isPassedOn; ) {
      try {
        if (this.#held.length === 0) {
          const { done, value } = await this.#reader.read()
          if (done) return this.#finish(controller, null)
          this.#held = this.#framer.push(value)
        }
      } catch (cause) {
        this.#options.abort()
        return this.#finish(controller, cause)
      }
      for (const event of this.#held.map(rewrite)) {
        if (event.byteLength === 0) continue
        controller.enqueue(event)
        isPassedOn = true
        this.#end ??= endOf(event)
      }
      this.#held = []
    }
  }

  #finish(controller: ReadableStreamDefaultController<Uint8Array>, cause: unknown): void {
    if (this.#end === null) {
      const error = toApiError(this.#options.errorOf?.(cause) ?? brokenOff(cause))
      controller.enqueue(new TextEncoder().encode(serializeErrorEvent(error)))
    }
    controller.close()
    this.#tell(this.#end ?? 'broken')
  }

  #tell(how: RelayEnd): void {
    if (!this.#told) this.#options.ended?.(how)
    this.#told = true
  }
}

const colon = 58

/** Whether an event is the chunk that only names the role, as OpenAI's streams begin. */
function isOpening(event: Uint8Array): boolean {
  return new TextDecoder().decode(event).includes('"delta":{"role":"assistant","content":""')
}

const dataPrefix = new TextEncoder().encode('data: {"')
/** What a JSON object at an end begins with: an error, and the last event of a transcription. */
const endNames = [...'et'].map(letter => letter.charCodeAt(0))

/** Whether an event ends its stream, and how: `[DONE]`, the end of a transcription, or an error. */
function endOf(event: Uint8Array): LastEvent | null {
  // Nearly all events are chunks of an answer, and begin with another name: these aren't parsed.
  if (
    !endNames.includes(event[dataPrefix.length] ?? 0) &&
    dataPrefix.every((byte, index) => event[index] === byte)
  )
    return null
  const [parsed] = new ServerSentEventParser().push(event)
  if (parsed === undefined) return null
  if (parsed.event === 'error' || parsed.data.startsWith('{"error"')) {
    return parsed.data.includes('"code":"deadline_exceeded"') ? 'late' : 'failed'
  }
  const isDone = parsed.data === doneData || parsed.data.startsWith('{"type":"transcript.text.done"')
  return isDone ? 'complete' : null
}
