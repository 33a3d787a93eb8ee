/**
 * Where one request's time went. Stages are noted as they pass; nothing else happens until the request has ended,
 * when whoever wants to know (metrics, OpenTelemetry) is told once.
 */
import type { Timings } from '../../src/protocol/chat-completions.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import type { EndReason, EngineEvent, Scores, SequenceTimings } from '../engine/types.ts'

/** What a request passes through, in this order. */
export const STAGES = ['audio_decode', 'audio_encode', 'queue', 'prefill', 'decode'] as const
export type Stage = (typeof STAGES)[number]

/** One stage of a request; times are those of `performance.now()`. */
export interface StageSpan {
  readonly stage: Stage
  readonly startMs: number
  readonly endMs: number
  readonly attributes: Readonly<Record<string, string | number>>
}

/** One sequence that the engine generated for a request; `n` choices are n of them. */
export interface SequenceTrace {
  readonly model: string
  readonly reason: EndReason
  readonly promptTokens: number
  readonly generatedTokens: number
  readonly timings: SequenceTimings
}

/** A request that has ended. */
export interface EndedRequest {
  readonly id: string
  readonly route: string
  readonly headers: Headers
  readonly startMs: number
  readonly endMs: number
  readonly spans: readonly StageSpan[]
  readonly sequences: readonly SequenceTrace[]
  readonly firstTokenMs: number | null
  /** The catalogue's code where it failed, and the status that the client saw. */
  readonly errorCode: string | null
  readonly status: number
}

/** Told what happens to requests. */
export interface RequestObserver {
  /** Another token than a sequence's first, so long after the one before. */
  token?(model: string, sinceLastMs: number): void
  ended(request: EndedRequest): void
}

/** What the engine is asked for, as far as a trace is concerned. */
interface Asked {
  readonly model: string
  readonly promptTokens: number
  /** A stop string has been met: that the rest is aborted is an answer's ordinary end. */
  readonly hasStopped?: () => boolean
}

export class RequestTrace {
  readonly #id: string
  readonly #route: string
  readonly #headers: Headers
  readonly #observers: readonly RequestObserver[]
  readonly #startMs = performance.now()
  readonly #spans: StageSpan[] = []
  readonly #sequences: SequenceTrace[] = []
  #firstTokenMs: number | null = null
  #error: unknown = null
  #streams = false
  #over = false

  constructor(id: string, route: string, headers: Headers, observers: readonly RequestObserver[]) {
    this.#id = id
    this.#route = route
    this.#headers = headers
    this.#observers = observers
  }

  /** Notes how long some work takes, whether it succeeds or not. */
  async measure<T>(stage: Stage, work: () => Promise<T>): Promise<T> {
    const startMs = performance.now()
    try {
      return await work()
    } finally {
      this.#spans.push({ stage, startMs, endMs: performance.now(), attributes: {} })
    }
  }

  /** Passes on what the engine says of one sequence, and notes when. */
  async *sequence(events: AsyncIterable<EngineEvent>, asked: Asked): AsyncGenerator<EngineEvent> {
    const { model, promptTokens } = asked
    const submittedMs = performance.now()
    let lastMs: number | null = null
    let generatedTokens = 0
    for await (const event of events) {
      if (event.type === 'token') {
        const nowMs = performance.now()
        this.#firstTokenMs ??= nowMs
        if (lastMs !== null) for (const observer of this.#observers) observer.token?.(model, nowMs - lastMs)
        lastMs = nowMs
        generatedTokens++
      } else {
        const { timings } = event
        const reason = event.reason === 'aborted' && asked.hasStopped?.() ? 'stop' : event.reason
        this.#sequences.push({ model, reason, promptTokens, generatedTokens, timings })
        this.#noteSequence(submittedMs, timings, generatedTokens)
      }
      yield event
    }
  }

  /** Waits for what the engine scores, and notes when it did what. */
  async scoring(scores: Promise<Scores>, { model, promptTokens }: Asked): Promise<Scores> {
    const submittedMs = performance.now()
    const { timings } = await scores
    this.#sequences.push({ model, reason: 'length', promptTokens, generatedTokens: 0, timings })
    this.#noteSequence(submittedMs, timings, 0)
    return scores
  }

  /** Passes on a stream; the request ends with it. */
  async *stream<T>(events: AsyncGenerator<T>): AsyncGenerator<T> {
    this.#streams = true
    try {
      yield* events
    } catch (error) {
      this.#error = error
      throw error
    } finally {
      this.#end(200)
    }
  }

  /** The response is there. A stream ends later, by itself. */
  respond(status: number, error: unknown): void {
    if (this.#streams) return
    this.#error = error ?? null
    this.#end(status)
  }

  /** Milliseconds of each stage so far; what happened at once, for several audios or choices, counts once. */
  timings(): Timings {
    const took = (stage: Stage) => round(unionMs(this.#spans.filter(span => span.stage === stage)))
    return {
      audio_decode_ms: took('audio_decode'),
      audio_encode_ms: round(Math.max(0, took('audio_encode') - took('audio_decode'))),
      queue_ms: took('queue'),
      prefill_ms: took('prefill'),
      decode_ms: took('decode'),
      total_ms: round(performance.now() - this.#startMs),
    }
  }

  /** The same as a `Server-Timing` header, without what didn't happen. */
  serverTiming(): string {
    return Object.entries(this.timings())
      .filter(([name, milliseconds]) => name === 'total_ms' || milliseconds > 0)
      .map(([name, milliseconds]) => `${name.replace(/_ms$/, '')};dur=${milliseconds}`)
      .join(', ')
  }

  #noteSequence(submittedMs: number, timings: SequenceTimings, steps: number): void {
    const { queuedMs, prefillMs, decodeMs, reusedTokens } = timings
    const admittedMs = submittedMs + queuedMs
    const firstMs = admittedMs + prefillMs
    this.#spans.push(
      { stage: 'queue', startMs: submittedMs, endMs: admittedMs, attributes: {} },
      { stage: 'prefill', startMs: admittedMs, endMs: firstMs, attributes: { reused_tokens: reusedTokens } },
      { stage: 'decode', startMs: firstMs, endMs: firstMs + decodeMs, attributes: { steps } },
    )
  }

  #end(status: number): void {
    if (this.#over) return
    this.#over = true
    const error = this.#error
    const ended: EndedRequest = {
      id: this.#id,
      route: this.#route,
      headers: this.#headers,
      startMs: this.#startMs,
      endMs: performance.now(),
      spans: this.#spans,
      sequences: this.#sequences,
      firstTokenMs: this.#firstTokenMs,
      errorCode: error === null ? null : error instanceof ApiError ? error.code : 'internal_error',
      status,
    }
    for (const observer of this.#observers) observer.ended(ended)
  }
}

/** The length of the union of spans. */
function unionMs(spans: readonly StageSpan[]): number {
  let total = 0
  let coveredMs = Number.NEGATIVE_INFINITY
  for (const { startMs, endMs } of spans.toSorted((a, b) => a.startMs - b.startMs)) {
    total += Math.max(0, endMs - Math.max(startMs, coveredMs))
    coveredMs = Math.max(coveredMs, endMs)
  }
  return total
}

function round(milliseconds: number): number {
  return Math.round(milliseconds * 10) / 10
}
