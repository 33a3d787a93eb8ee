/** Registers with edges: tells each, every other second, that this worker is there and how it is. */
import { randomBytes } from 'node:crypto'
import { type BeatBody, BeatReceipt, beatPath, signatureHeader, signBeat } from '../src/protocol/beat.ts'
import type { WorkerReadiness } from '../src/protocol/health.ts'

export interface BeatsOptions {
  /** Origins of the edges. */
  edges: readonly string[]
  /** What edges and workers share. */
  secret: string
  worker: { id: string; url: string }
  readiness: () => WorkerReadiness
  fetch?: typeof fetch
  /** Told when an edge that heard us hears us no more, and the other way round; never of the secret. */
  log: (message: string) => void
}

/** Where an edge doesn't say, and when it can't be reached. */
const defaultEveryMs = 2_000
const timeoutMs = 5_000

/** Beats until it is stopped. */
export class Beats {
  readonly #options: BeatsOptions
  readonly #timers = new Map<string, NodeJS.Timeout>()
  readonly #heard = new Map<string, boolean>()
  #stopped = false

  constructor(options: BeatsOptions) {
    this.#options = options
  }

  start(): void {
    for (const edge of this.#options.edges) void this.#beatAgain(edge)
  }

  /** Says at once how it is now, e.g. that it drains. Never rejects. */
  async beatNow(): Promise<void> {
    await Promise.all(this.#options.edges.map(edge => this.#beat(edge)))
  }

  stop(): void {
    this.#stopped = true
    for (const timer of this.#timers.values()) clearTimeout(timer)
  }

  async #beatAgain(edge: string): Promise<void> {
    const everyMs = await this.#beat(edge)
    if (this.#stopped) return
    const timer = setTimeout(() => void this.#beatAgain(edge), everyMs)
    timer.unref()
    this.#timers.set(edge, timer)
  }

  /** @returns when the edge wants the next */
  async #beat(edge: string): Promise<number> {
    const { secret, worker, readiness, log } = this.#options
    try {
      const beat: BeatBody = { ...readiness(), worker } as BeatBody
      const body = new TextEncoder().encode(JSON.stringify(beat))
      const signature = await signBeat(secret, body, Date.now(), randomBytes(16).toString('hex'))
      const response = await (this.#options.fetch ?? fetch)(new URL(beatPath, edge), {
        method: 'POST',
        headers: { 'content-type': 'application/json', [signatureHeader]: signature },
        body,
        signal: AbortSignal.timeout(timeoutMs),
      })
      const answer: unknown = await response.json()
      if (!response.ok) throw new Error(`status ${response.status}: ${JSON.stringify(answer)}`)
      if (this.#heard.get(edge) !== true)
        log(`beats: ${edge} hears this worker (${worker.id}, ${worker.url})`)
      this.#heard.set(edge, true)
      return BeatReceipt.parse(answer).next_in_ms
    } catch (error) {
      if (this.#heard.get(edge) !== false)
        log(`beats: ${edge} doesn't hear this worker: ${(error as Error).message}`)
      this.#heard.set(edge, false)
      return defaultEveryMs
    }
  }
}
