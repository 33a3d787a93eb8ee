/**
 * Node's connections to workers. A small request and its answer go over undici's dispatcher, without the streams, signals
 * and checks of browsers that fetch lays around them, which were a third of the edge's processor time.
 */
import { Agent, type Dispatcher } from 'undici'
import type { WorkerFetch, WorkerResponse } from '../../src/fleet/worker-fetch.ts'

/** So much of an answer is held while nobody reads it. */
const unreadBytes = 64 * 1024
/** So many pieces of one that is streamed, of at most 64 KiB each. */
const unreadPieces = 16

/** Such a fetch, with connections of its own. Bodies that are still coming, forms and redirects are left to Node's. */
export function createWorkerFetch(): WorkerFetch {
  const agent = new Agent()
  return (url, init) => {
    const { method = 'GET', headers = {}, body = null, redirect, signal } = init
    const isHeld = body === null || typeof body === 'string' || body instanceof Uint8Array
    if (redirect !== 'manual' || !isHeld) return fetch(url, init)
    return new Promise((resolve, reject) => {
      if (signal.aborted) return reject(signal.reason)
      const { origin, pathname, search } = new URL(url)
      const path = pathname + search
      agent.dispatch(
        { origin, path, method: method as Dispatcher.HttpMethod, headers, body },
        new Exchange(signal, resolve, reject),
      )
    })
  }
}

/** One request on its way, and then its answer. */
class Exchange implements Dispatcher.DispatchHandler, WorkerResponse {
  status = 0
  #headers: Record<string, string | string[] | undefined> = {}
  readonly #signal: AbortSignal
  readonly #resolve: (response: WorkerResponse) => void
  readonly #reject: (reason: unknown) => void
  #connection: Dispatcher.DispatchController | null = null
  /** What has come and was asked for by nobody yet. */
  #unread: Uint8Array[] = []
  #unreadBytes = 0
  #stream: ReadableStream<Uint8Array> | null = null
  #reader: ReadableStreamDefaultController<Uint8Array> | null = null
  /** Told of the end, by whoever waits for the whole. */
  #whole: PromiseWithResolvers<void> | null = null
  #end: { error: unknown } | null = null

  constructor(
    signal: AbortSignal,
    resolve: (response: WorkerResponse) => void,
    reject: (reason: unknown) => void,
  ) {
    this.#signal = signal
    this.#resolve = resolve
    this.#reject = reject
    signal.addEventListener('abort', this.#abort)
  }

  get ok(): boolean {
    return this.status >= 200 && this.status < 300
  }

  get headers(): WorkerResponse['headers'] {
    const headers = this.#headers
    return {
      get(name) {
        const value = headers[name]
        return value === undefined ? null : Array.isArray(value) ? value.join(', ') : value
      },
    }
  }

  get body(): ReadableStream<Uint8Array> {
    this.#stream ??= new ReadableStream<Uint8Array>(
      {
        start: reader => {
          this.#reader = reader
          for (const piece of this.#unread) reader.enqueue(piece)
          this.#unread = []
          if (this.#end !== null) this.#endStream(this.#end.error)
        },
        pull: () => this.#connection?.resume(),
        cancel: reason => this.#connection?.abort(toError(reason)),
      },
      { highWaterMark: unreadPieces },
    )
    return this.#stream
  }

  async text(): Promise<string> {
    if (this.#stream !== null) return new Response(this.#stream).text()
    if (this.#end === null) {
      this.#whole = Promise.withResolvers()
      this.#connection?.resume()
      await this.#whole.promise
    }
    if (this.#end?.error) throw this.#end.error
    return Buffer.concat(this.#unread).toString()
  }

  async json(): Promise<unknown> {
    return JSON.parse(await this.text())
  }

  onRequestStart(connection: Dispatcher.DispatchController): void {
    this.#connection = connection
    if (this.#signal.aborted) this.#abort()
  }

  onResponseStart(
    _connection: Dispatcher.DispatchController,
    status: number,
    headers: Record<string, string | string[] | undefined>,
  ): void {
    if (status < 200) return
    this.status = status
    this.#headers = headers
    this.#resolve(this)
  }

  onResponseData(connection: Dispatcher.DispatchController, piece: Uint8Array): void {
    // The parser begins with an empty piece when it goes on; whoever paused at that one would never see another.
    if (piece.byteLength === 0) return
    if (this.#reader !== null) {
      this.#reader.enqueue(piece)
      if ((this.#reader.desiredSize ?? 0) <= 0) connection.pause()
      return
    }
    this.#unread.push(piece)
    this.#unreadBytes += piece.byteLength
    if (this.#whole === null && this.#unreadBytes > unreadBytes) connection.pause()
  }

  onResponseEnd(): void {
    this.#finish(null)
  }

  onResponseError(_connection: Dispatcher.DispatchController, cause: Error): void {
    this.#finish(this.#signal.aborted ? this.#signal.reason : new TypeError('fetch failed', { cause }))
  }

  #finish(error: unknown): void {
    if (this.#end !== null) return
    this.#end = { error }
    this.#signal.removeEventListener('abort', this.#abort)
    if (error !== null) this.#reject(error)
    this.#endStream(error)
    this.#whole?.resolve()
  }

  #endStream(error: unknown): void {
    if (error === null) this.#reader?.close()
    else this.#reader?.error(error)
  }

  /** Whoever waits is told at once, even where there is no connection yet. */
  readonly #abort = (): void => {
    this.#connection?.abort(toError(this.#signal.reason))
    this.#finish(this.#signal.reason)
  }
}

function toError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error('It was given up.', { cause: reason })
}
