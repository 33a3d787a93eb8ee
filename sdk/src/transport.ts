/** One request, as often as it takes: retries, timeouts, cancelling, errors. */
import { AbortedError, AuricleError, apiErrorOf, ConnectionError, TimeoutError } from './errors.ts'
import { isRetryable, retryDelayMs, sleep } from './retry.ts'

/** How the client reaches its server. */
export interface ClientOptions {
  /** Of the server, with or without `/v1`. Default: `AURICLE_BASE_URL` of the environment, else `http://127.0.0.1:8080`. */
  baseUrl?: string | undefined
  /** Default: `AURICLE_API_KEY` of the environment. A function is asked before each attempt. */
  apiKey?: string | (() => string | Promise<string>) | null | undefined
  /** How often a request is sent again after it failed in a way that may pass; 2. */
  maxRetries?: number | undefined
  /** How long an attempt may take until its answer is there or, of a stream, begins; 600,000. */
  timeoutMs?: number | undefined
  /** Sent with every request. */
  headers?: Record<string, string> | undefined
  /** Instead of the runtime's own. */
  fetch?: typeof fetch | undefined
}

/** What may be said of a single request. */
export interface RequestOptions {
  /** Cancels it, also while its answer is streamed. */
  signal?: AbortSignal | undefined
  maxRetries?: number | undefined
  timeoutMs?: number | undefined
  /** The server answers a request of the same key once, however often it comes. */
  idempotencyKey?: string | undefined
  headers?: Record<string, string> | undefined
  /** Told of the answer before it is read: its request id, limits, timings. */
  onResponse?: ((response: Response) => void) | undefined
}

/** A request, as resources make it. */
export interface WireRequest {
  method: 'GET' | 'POST' | 'PUT' | 'DELETE' | 'HEAD'
  /** From `/v1` on. */
  path: string
  /** Where its answer comes from, instead of the server: an address that the server gave. */
  url?: string
  query?: Record<string, string | number | undefined>
  /** Becomes JSON. */
  json?: unknown
  body?: Blob | FormData | Uint8Array<ArrayBuffer>
  headers?: Record<string, string>
}

/** Sends requests. */
export class Transport {
  readonly #base: string
  readonly #options: ClientOptions

  constructor(options: ClientOptions) {
    const base = options.baseUrl ?? environment('AURICLE_BASE_URL') ?? 'http://127.0.0.1:8080'
    this.#base = base.replace(/\/+$/, '').replace(/\/v1$/, '')
    this.#options = options
  }

  /** The runtime's fetch, or the caller's. */
  get fetch(): typeof fetch {
    const own = this.#options.fetch
    // workerd's must not be called as a method of something else.
    return own ?? ((input, init) => fetch(input, init))
  }

  /** How often a request may be sent again. */
  retriesOf(options: RequestOptions): number {
    return options.maxRetries ?? this.#options.maxRetries ?? 2
  }

  /** The answer as JSON. */
  async json<T>(request: WireRequest, options?: RequestOptions): Promise<T> {
    return (await this.read(request, options, response => response.json())) as T
  }

  /** The answer as text. */
  text(request: WireRequest, options?: RequestOptions): Promise<string> {
    return this.read(request, options, response => response.text())
  }

  /** The answer, read within the attempt's time. */
  read<T>(
    request: WireRequest,
    options: RequestOptions | undefined,
    read: (response: Response) => Promise<T>,
  ): Promise<T> {
    return this.#repeat(request, options, async (response, done) => {
      const value = await read(response)
      done()
      return value
    })
  }

  /** The answer as soon as it begins; its body breaks when the request's signal is aborted. */
  open(request: WireRequest, options?: RequestOptions): Promise<Response> {
    return this.#repeat(request, options, async (response, done) => {
      done()
      return response
    })
  }

  async #repeat<T>(
    request: WireRequest,
    options: RequestOptions = {},
    use: (response: Response, done: () => void) => Promise<T>,
  ): Promise<T> {
    const retries = this.retriesOf(options)
    for (let attempt = 0; ; attempt++) {
      let failed: { error: AuricleError; headers: Headers | null }
      try {
        const outcome = await this.#attempt(request, options, use)
        if ('value' in outcome) return outcome.value
        failed = outcome
      } catch (error) {
        throwIfAborted(options.signal)
        throw error
      }
      if (attempt >= retries) throw failed.error
      await sleep(retryDelayMs(attempt, failed.headers), options.signal).catch(() => {})
      throwIfAborted(options.signal)
    }
  }

  /** A value, or an error after which another attempt may help. @throws AuricleError after which none does */
  async #attempt<T>(
    request: WireRequest,
    options: RequestOptions,
    use: (response: Response, done: () => void) => Promise<T>,
  ): Promise<{ value: T } | { error: AuricleError; headers: Headers | null }> {
    throwIfAborted(options.signal)
    const url = this.#url(request)
    const headers = await this.#headers(request, options)
    const body = request.json === undefined ? request.body : JSON.stringify(request.json)

    const controller = new AbortController()
    const abort = () => controller.abort(options.signal?.reason)
    // Never taken off: a stream that has begun is cancelled by it as well.
    options.signal?.addEventListener('abort', abort, { once: true })
    const timeoutMs = options.timeoutMs ?? this.#options.timeoutMs ?? 600_000
    let timedOut = false
    const timer = setTimeout(() => {
      timedOut = true
      controller.abort()
    }, timeoutMs)
    try {
      const response = await this.fetch(url, {
        method: request.method,
        headers,
        body: body ?? null,
        signal: controller.signal,
      })
      options.onResponse?.(response)
      if (response.ok) return { value: await use(response, () => clearTimeout(timer)) }
      const error = apiErrorOf(await response.json().catch(() => null), response.status, response.headers)
      if (!isRetryable(response)) throw error
      return { error, headers: response.headers }
    } catch (cause) {
      if (cause instanceof AuricleError || options.signal?.aborted) throw cause
      const error = timedOut
        ? new TimeoutError(`No answer within ${timeoutMs} ms.`, { cause })
        : new ConnectionError(`The connection to ${new URL(url).host} failed.`, { cause })
      return { error, headers: null }
    } finally {
      clearTimeout(timer)
    }
  }

  #url(request: WireRequest): string {
    const url = new URL(request.url ?? this.#base + request.path)
    for (const [name, value] of Object.entries(request.query ?? {})) {
      if (value !== undefined) url.searchParams.set(name, String(value))
    }
    return url.href
  }

  async #headers(request: WireRequest, options: RequestOptions): Promise<Headers> {
    const headers = new Headers({ accept: 'application/json' })
    const own = request.url === undefined
    if (own) {
      const { apiKey = environment('AURICLE_API_KEY') } = this.#options
      const key = typeof apiKey === 'function' ? await apiKey() : apiKey
      if (key) headers.set('authorization', `Bearer ${key}`)
    }
    if (request.json !== undefined) headers.set('content-type', 'application/json')
    if (options.idempotencyKey !== undefined) headers.set('idempotency-key', options.idempotencyKey)
    // Headers of the caller are for the server, not for a store that it sent us to.
    const layers = own ? [request.headers, this.#options.headers, options.headers] : [request.headers]
    for (const layer of layers) {
      for (const [name, value] of Object.entries(layer ?? {})) headers.set(name, value)
    }
    return headers
  }
}

/** Says in our own words that the caller gave up. */
export function throwIfAborted(signal: AbortSignal | undefined): void {
  if (signal?.aborted) throw new AbortedError('The request was cancelled.', { cause: signal.reason })
}

/** A variable of the environment, where the runtime has one. */
function environment(name: string): string | undefined {
  const { process } = globalThis as { process?: { env?: Record<string, string | undefined> } }
  return process?.env?.[name]
}
