/** The workers as one: choose one for the model, forward the request, relay the answer, try another where that is safe. */
import { ApiError, ErrorBody } from '../protocol/errors.ts'
import { type EdgeReadiness, protocolVersion } from '../protocol/health.ts'
import { type Model, ModelList } from '../protocol/models.ts'
import { tenantHeader } from '../protocol/worker-headers.ts'
import { chooseWorker, type WorkerAddress } from './choose.ts'
import type { Clock } from './clock.ts'
import { type RegistryOptions, WorkerRegistry } from './registry.ts'
import { relayEvents } from './relay.ts'

/** A request on its way to a worker. */
export interface ForwardedRequest {
  model: string
  path: string
  requestId: string
  tenant: string
  body: Uint8Array
  /** `application/json` unless said, e.g. a multipart type with its boundary. */
  contentType?: string
  /** More headers for the worker, in lower case. */
  headers?: Readonly<Record<string, string>>
  /** Milliseconds from now to the end of the answer; null or absent: no limit of the caller's. */
  timeoutMs?: number | null
  /** The client asked for events: such an answer may be opened before a worker is there. */
  stream?: boolean
  /** What its audio is known by, the first of the conversation first: requests about the same audio go to the same worker. */
  audio?: readonly string[]
  /** Worth asking a second worker when the first is slow: short, and nothing of it is streamed. */
  hedge?: boolean
  signal: AbortSignal
  /** Keeps a promise alive after the answer (waitUntil on Workers). */
  background: (work: Promise<unknown>) => void
}

/** Headers of a worker's answer that reach the client. */
const relayedHeaders = ['content-type', 'retry-after', 'x-should-retry']

/** Most bytes of an answer that isn't streamed. */
const maxAnswerBytes = 16 * 1024 * 1024

type Attempt =
  | { kind: 'answered'; response: Response }
  /** Nothing of an answer came, so another worker may be asked. */
  | { kind: 'failed'; error: ApiError; response: Response | null }

/** What a route asks instead of a worker. One an edge process or isolate. */
export class Fleet {
  readonly #fetch: typeof fetch
  readonly #clock: Clock
  readonly #registry: WorkerRegistry
  #turn = 0

  constructor(options: RegistryOptions) {
    this.#fetch = options.fetch
    this.#clock = options.clock
    this.#registry = new WorkerRegistry(options)
  }

  /**
   * Sends a request to a worker that serves the model and gives its answer: a relayed stream of events, or a whole
   * body. A worker that can't be reached, or that is full, is tried no more and one other is asked instead.
   * @throws ApiError model_not_found, worker_unavailable, worker_failed, deadline_exceeded, request_cancelled
   */
  async forward(request: ForwardedRequest): Promise<Response> {
    const tried = new Set<string>()
    const turn = this.#turn++
    const first = await this.#choose(request, turn, tried)
    const attempt = await this.#attempt(first, request)
    if (attempt.kind === 'answered') return attempt.response

    tried.add(first.id)
    const second = await this.#choose(request, turn, tried).catch(() => null)
    if (second === null) return lastWord(attempt)
    await attempt.response?.body?.cancel().catch(() => {})
    const retry = await this.#attempt(second, request)
    return retry.kind === 'answered' ? retry.response : lastWord(retry)
  }

  /**
   * All models that ready workers list, each once.
   * @throws ApiError worker_unavailable when no worker is ready
   */
  async models(): Promise<Model[]> {
    await this.#registry.refresh()
    const ready = this.#registry.known().filter(({ state }) => state.kind === 'ready')
    const lists = await Promise.all(ready.map(({ address }) => this.#modelsOf(address)))
    const models = new Map<string, Model>()
    for (const list of lists)
      for (const model of list ?? []) if (!models.has(model.id)) models.set(model.id, model)
    if (lists.every(list => list === null)) throw unavailable()
    return [...models.values()]
  }

  /** How many workers are ready, and for which models; asks those whose state is old. */
  async readiness(): Promise<EdgeReadiness> {
    await this.#registry.refresh()
    const known = this.#registry.known()
    const ready = known.filter(({ state }) => state.kind === 'ready')
    const models = new Set(ready.flatMap(({ state }) => (state.kind === 'ready' ? state.models : [])))
    return {
      status: ready.length > 0 ? 'ready' : 'unavailable',
      protocol_version: protocolVersion,
      models: [...models],
      workers: { ready: ready.length, total: known.length },
    }
  }

  async #choose(request: ForwardedRequest, turn: number, tried: ReadonlySet<string>): Promise<WorkerAddress> {
    let choice = chooseWorker(this.#registry.known(), request.model, turn, tried)
    if (choice.kind !== 'worker') {
      await this.#registry.refresh()
      choice = chooseWorker(this.#registry.known(), request.model, turn, tried)
    } else if (this.#registry.isStale()) {
      request.background(this.#registry.refresh())
    }
    if (choice.kind === 'worker') return choice.address
    if (choice.kind === 'unavailable') throw unavailable()
    throw modelNotFound(request.model, choice.models)
  }

  async #attempt(worker: WorkerAddress, request: ForwardedRequest): Promise<Attempt> {
    const upstream = new AbortController()
    const signal = AbortSignal.any([request.signal, upstream.signal])
    let response: Response
    try {
      response = await this.#fetch(new URL(request.path, worker.url), {
        method: 'POST',
        headers: {
          ...request.headers,
          'content-type': request.contentType ?? 'application/json',
          'x-request-id': request.requestId,
          [tenantHeader]: request.tenant,
        },
        body: request.body as Uint8Array<ArrayBuffer>,
        signal,
      })
    } catch (cause) {
      if (request.signal.aborted) throw cancelled()
      if (isTimeout(cause)) throw tooSlow(cause)
      this.#registry.markUnreachable(worker)
      return { kind: 'failed', error: unavailable(cause), response: null }
    }
    // Full, or going down: it has done nothing for this request, so another worker may.
    if (response.status === 503) {
      return { kind: 'failed', error: unavailable(), response: await wholeAnswer(response, request.signal) }
    }
    const type = response.headers.get('content-type') ?? ''
    if (response.ok && response.body !== null && type.startsWith('text/event-stream')) {
      const body = relayEvents(response.body, () => upstream.abort())
      return { kind: 'answered', response: new Response(body, { headers: pickHeaders(response) }) }
    }
    return { kind: 'answered', response: await wholeAnswer(response, request.signal) }
  }

  async #modelsOf(worker: WorkerAddress): Promise<Model[] | null> {
    try {
      const response = await this.#fetch(new URL('/v1/models', worker.url), {
        signal: this.#clock.timeout(2_000),
      })
      return ModelList.parse(await response.json()).data
    } catch {
      this.#registry.markUnreachable(worker)
      return null
    }
  }
}

function lastWord(attempt: Extract<Attempt, { kind: 'failed' }>): Response {
  if (attempt.response !== null) return attempt.response
  throw attempt.error
}

/** A body that isn't a stream is read whole, so that one that breaks becomes an error instead of half an answer. */
async function wholeAnswer(response: Response, signal: AbortSignal): Promise<Response> {
  let text: string
  try {
    text = await readText(response)
  } catch (cause) {
    if (signal.aborted) throw cancelled()
    throw workerFailed('The worker broke off before its answer was complete. Send the request again.', cause)
  }
  if (!response.ok && !isErrorBody(text)) {
    throw workerFailed(`The worker answered with status ${response.status} and no readable error.`)
  }
  return new Response(text, { status: response.status, headers: pickHeaders(response) })
}

async function readText(response: Response): Promise<string> {
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxAnswerBytes) throw new RangeError('the answer is too large')
  }
  return text + decoder.decode()
}

function isErrorBody(text: string): boolean {
  try {
    return ErrorBody.safeParse(JSON.parse(text)).success
  } catch {
    return false
  }
}

function pickHeaders(response: Response): Headers {
  const headers = new Headers({ 'cache-control': 'no-store' })
  for (const name of relayedHeaders) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return headers
}

function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error.cause as { code?: unknown } | undefined)?.code
  return error.name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT'
}

function cancelled(): ApiError {
  return new ApiError('request_cancelled', { message: 'The client closed the request.' })
}

function tooSlow(cause: unknown): ApiError {
  return new ApiError('deadline_exceeded', { message: 'The worker did not answer in time.', cause })
}

function workerFailed(message: string, cause?: unknown): ApiError {
  return new ApiError('worker_failed', { message, cause })
}

function unavailable(cause?: unknown): ApiError {
  return new ApiError('worker_unavailable', {
    message: 'No worker for this model is ready. Send the request again in a moment.',
    retryAfterSeconds: 1,
    cause,
  })
}

function modelNotFound(model: string, models: readonly string[]): ApiError {
  const name = model.length > 64 ? `${model.slice(0, 64)}…` : model
  const offer = models.length === 0 ? 'No model is served now.' : `Use one of: ${models.join(', ')}.`
  return new ApiError('model_not_found', {
    message: `The model '${name}' does not exist. ${offer}`,
    param: 'model',
  })
}
