/** The network between edge and workers: late, cut in two, doubling what it carries, and breaking in the middle. */
import { type Clock, sleep } from '../clock.ts'
import type { Dice } from './virtual-time.ts'
import type { VirtualWorker } from './virtual-worker.ts'

export interface NetworkFaults {
  /** Most milliseconds that anything is under way. */
  latencyMs: number
  /** Of requests that reach a worker twice. */
  duplicates: number
  /** Of connections that break at some moment. */
  breaks: number
}

/** A silent connection is given up after so long, as undici does. */
const silenceMs = 300_000
const refusedAfterMs = 2

export class VirtualNetwork {
  faults: NetworkFaults
  /** Ids of workers that the edge can't reach now, nor they it. */
  readonly partitioned = new Set<string>()
  /** Requests for an answer that the edge sent. */
  sent = 0
  readonly #workers: ReadonlyMap<string, VirtualWorker>
  readonly #clock: Clock
  readonly #dice: Dice

  constructor(
    workers: ReadonlyMap<string, VirtualWorker>,
    options: { clock: Clock; dice: Dice; faults: NetworkFaults },
  ) {
    this.#workers = workers
    this.#clock = options.clock
    this.#dice = options.dice
    this.faults = options.faults
  }

  fetch: typeof fetch = async (input, init) => {
    const { hostname, pathname } = new URL(String(input))
    const isChat = pathname.startsWith('/v1/chat')
    if (isChat) this.sent++
    const body = init?.body === undefined ? '' : new TextDecoder().decode(init.body as Uint8Array)
    const requestId = new Headers(init?.headers).get('x-request-id') ?? ''
    const signal = init?.signal ?? new AbortController().signal
    const worker = this.#workers.get(hostname)

    // What ends the connection: the edge, the worker's death, the network.
    const connection = new AbortController()
    const end = (reason: unknown) => connection.abort(reason)
    if (signal.aborted) throw signal.reason
    signal.addEventListener('abort', () => end(signal.reason))
    if (worker === undefined || !worker.isAlive) {
      await this.#wait(refusedAfterMs, connection.signal)
      throw connection.signal.reason ?? new TypeError('fetch failed')
    }
    worker.life.signal.addEventListener('abort', () => end(new TypeError('reset')))
    if (isChat && this.#dice.chance(this.faults.breaks)) {
      this.#clock.after(this.#dice.between(0, 800), () => end(new TypeError('reset')))
    }

    const answer = async (at: AbortSignal): Promise<Response> => {
      await this.#wait(this.#latency(), at)
      while (this.partitioned.has(worker.id)) await this.#wait(1_000, at)
      return worker.handle(pathname, body, requestId, at)
    }
    if (isChat && this.#dice.chance(this.faults.duplicates)) void this.#duplicate(answer, worker)
    const silence = this.#clock.after(silenceMs, () => end(new TypeError('timeout')))
    try {
      const response = await untilAborted(answer(connection.signal), connection.signal)
      await this.#wait(this.#latency(), connection.signal)
      return this.#carry(response, worker, connection, silence)
    } catch (error) {
      silence()
      throw error
    }
  }

  /** The body on its way: in pieces cut anywhere, late, in order. */
  #carry(
    response: Response,
    worker: VirtualWorker,
    connection: AbortController,
    silence: () => void,
  ): Response {
    if (response.body === null) return response
    const reader = response.body.getReader()
    const { signal } = connection
    let left: Uint8Array = new Uint8Array(0)
    const body = new ReadableStream<Uint8Array>({
      pull: async controller => {
        try {
          while (left.length === 0) {
            const { done, value } = await untilAborted(reader.read(), signal)
            if (done) {
              silence()
              return controller.close()
            }
            left = value
            await this.#wait(this.#latency(), signal)
            while (this.partitioned.has(worker.id)) await this.#wait(1_000, signal)
          }
          const cut = this.#dice.chance(0.3) ? this.#dice.between(1, left.length) : left.length
          controller.enqueue(left.slice(0, cut))
          left = left.slice(cut)
        } catch (error) {
          silence()
          controller.error(error)
        }
      },
      cancel: () => {
        silence()
        connection.abort(new TypeError('cancelled'))
      },
    })
    return new Response(body, { status: response.status, headers: response.headers })
  }

  /** The same request once more, whose answer nobody hears; its connection is given up soon. */
  async #duplicate(answer: (at: AbortSignal) => Promise<Response>, worker: VirtualWorker): Promise<void> {
    const connection = new AbortController()
    worker.life.signal.addEventListener('abort', () => connection.abort())
    this.#clock.after(3_000, () => connection.abort())
    await untilAborted(answer(connection.signal), connection.signal).catch(() => {})
  }

  #latency(): number {
    return this.#dice.roll() * this.faults.latencyMs
  }

  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, milliseconds, signal)
    if (signal.aborted) throw signal.reason
  }
}

function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
    work.then(resolve, reject)
  })
}
