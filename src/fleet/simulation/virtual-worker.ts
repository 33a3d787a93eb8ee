/** A worker without weights: its answers follow from the request, so that a wrong or repeated token is noticed. */
import { errorResponse, serializeErrorEvent } from '../../protocol/error-response.ts'
import { ApiError } from '../../protocol/errors.ts'
import type { WorkerReadiness } from '../../protocol/health.ts'
import { doneData, serializeEvent } from '../../protocol/sse.ts'
import { type Clock, sleep } from '../clock.ts'
import type { Dice } from './virtual-time.ts'

/** How a worker is while it runs. */
export type Health = 'well' | 'failing' | 'hanging'

/** What a request's answer is, token by token. */
export function expectedTokens(requestId: string): string[] {
  const length = 1 + (Number(/\d+/.exec(requestId)?.[0] ?? 0) % 9)
  return Array.from({ length }, (_, index) => `${requestId}#${index} `)
}

/** One life of a worker: when it crashes or is started again it is another. */
export class VirtualWorker {
  status: WorkerReadiness['status'] = 'loading'
  health: Health = 'well'
  /** Requests that it has a place for or holds one: 0 when nothing is lost. */
  active = 0
  /** Chat requests that reached it. */
  asked = 0
  /** Aborts when the process ends, with all its connections. */
  readonly life = new AbortController()
  readonly #waiting: (() => void)[] = []
  #running = 0

  readonly id: string
  readonly protocolVersion: number
  readonly slots: number
  readonly #clock: Clock
  readonly #dice: Dice

  constructor(id: string, options: { protocolVersion: number; slots: number; clock: Clock; dice: Dice }) {
    this.id = id
    this.protocolVersion = options.protocolVersion
    this.slots = options.slots
    this.#clock = options.clock
    this.#dice = options.dice
  }

  get url(): string {
    return `http://${this.id}`
  }

  get isAlive(): boolean {
    return !this.life.signal.aborted
  }

  readiness(): WorkerReadiness {
    const load = { running: this.#running, waiting: this.#waiting.length, slots: this.slots }
    return { status: this.status, protocol_version: this.protocolVersion, models: ['pocket'], load }
  }

  /** @param signal the connection's */
  async handle(path: string, body: string, requestId: string, signal: AbortSignal): Promise<Response> {
    if (this.health === 'hanging') await new Promise(() => {})
    if (path === '/readyz') {
      const readiness = this.readiness()
      return Response.json(readiness, { status: readiness.status === 'ready' ? 200 : 503 })
    }
    this.asked++
    if (this.status !== 'ready') {
      return errorResponse(new ApiError('worker_unavailable', { message: this.status, retryAfterSeconds: 1 }))
    }
    if (this.health === 'failing') return new Response('oops', { status: 500 })
    if (this.#waiting.length >= 2 * this.slots) {
      return errorResponse(new ApiError('overloaded', { message: 'full', retryAfterSeconds: 1 }))
    }
    const stream = (JSON.parse(body) as { stream?: boolean }).stream === true
    this.active++
    const leave = await this.#enter(signal)
    const tokens = expectedTokens(requestId)
    if (!stream) {
      await this.#work(tokens.length * this.#dice.between(5, 60), signal)
      leave()
      return Response.json({ content: tokens.join('') })
    }
    await this.#work(this.#dice.between(5, 300), signal)
    return new Response(this.#stream(tokens, signal, leave), {
      headers: { 'content-type': 'text/event-stream' },
    })
  }

  /** Waits for a slot; gives what frees it, once. */
  async #enter(signal: AbortSignal): Promise<() => void> {
    if (this.#running >= this.slots) {
      await new Promise<void>(resolve => {
        const enter = () => resolve()
        this.#waiting.push(enter)
        signal.addEventListener('abort', () => {
          const index = this.#waiting.indexOf(enter)
          if (index < 0) return
          this.#waiting.splice(index, 1)
          this.active--
        })
      })
    }
    this.#running++
    let left = false
    const leave = () => {
      if (left) return
      left = true
      this.#running--
      this.active--
      this.#waiting.shift()?.()
    }
    signal.addEventListener('abort', leave)
    if (signal.aborted) leave()
    return leave
  }

  #stream(tokens: readonly string[], signal: AbortSignal, leave: () => void): ReadableStream<Uint8Array> {
    const encoder = new TextEncoder()
    const fails = this.#dice.chance(0.02) ? this.#dice.between(1, tokens.length) : null
    let index = 0
    return new ReadableStream({
      pull: async controller => {
        if (index > 0) await this.#work(this.#dice.between(5, 120), signal)
        const send = (text: string) => controller.enqueue(encoder.encode(text))
        if (index === fails) {
          send(serializeErrorEvent(new ApiError('internal_error', { message: 'The model failed.' })))
          controller.close()
          return leave()
        }
        const content = tokens[index++]
        if (content !== undefined) {
          return send(serializeEvent({ data: JSON.stringify({ choices: [{ delta: { content } }] }) }))
        }
        send(serializeEvent({ data: doneData }))
        controller.close()
        leave()
      },
    })
  }

  async #work(milliseconds: number, signal: AbortSignal): Promise<void> {
    await sleep(this.#clock, milliseconds, signal)
    // The work of a connection that is gone never comes to an end that anyone hears of.
    if (signal.aborted) await new Promise(() => {})
  }
}
