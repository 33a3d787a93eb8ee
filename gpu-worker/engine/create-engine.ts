/**
 * The engine's loop: plan, run, sample, update, for as long as there is work. Between two runs it keeps the
 * event loop for no longer than sampling takes; the runs themselves are off it (c-api).
 */
import { setImmediate } from 'node:timers/promises'
import { ApiError } from '../../src/protocol/errors.ts'
import { Sampler, SamplingState } from '../sampling/sampler.ts'
import type { Engine, EngineModel, EngineOptions } from './engine.ts'
import { EventStream } from './event-stream.ts'
import { ModelRunner, type PrefillInput, type StepResult } from './model-runner.ts'
import type { Outcome } from './plan.ts'
import type { PromptContent } from './prefix-cache.ts'
import { cancel, createSchedulerState, hasWork, schedule, submit, update } from './scheduler.ts'
import type { SchedulerState } from './scheduler-state.ts'
import type { SequenceEnd } from './sequence.ts'
import type { EndReason, EngineEvent, EngineRequest, EngineStats, SequenceTimings } from './types.ts'

/** The bounds when the caller gives none: an answer a second or two long for each of eight, on two cores. */
export const ENGINE_DEFAULTS = {
  slots: 8,
  slotCapacity: 2048,
  maxWaiting: 64,
  prefillBudget: 64,
  prefillBudgetIdle: 256,
  minimumReuse: 16,
} as const satisfies Required<EngineOptions>

/** Sampling for a full batch with log-probabilities takes longer than a health request should wait. */
const MAX_BUSY_MS = 4

/** What the engine keeps of a request besides what the scheduler knows. */
interface Session extends PrefillInput {
  /** Ours: one that the caller reuses can't be confused with an earlier one still being computed. */
  readonly id: string
  readonly request: EngineRequest
  readonly stream: EventStream<EngineEvent>
  readonly sampling: SamplingState
  /** Ends its prefill in progress. */
  readonly stop: AbortController
  readonly submittedMs: number
  admittedMs: number | null
  firstTokenMs: number | null
  reusedTokens: number
}

/**
 * Makes an engine over a loaded decoder. The memory of its slots is reserved here and taken when touched.
 * @throws RangeError when the decoder or a checkpoint isn't what it can run
 * @example
 * const engine = createEngine({ decoder, embeddings, checkpoints: new Map() }, { slots: 4 })
 * for await (const event of engine.generate(request)) if (event.type === 'token') write(event.id)
 */
export function createEngine(model: EngineModel, options: EngineOptions = {}): Engine {
  return new LocalEngine(model, { ...ENGINE_DEFAULTS, ...options })
}

class LocalEngine implements Engine {
  readonly embeddings
  readonly contextLength: number
  readonly #model: EngineModel
  readonly #runner: ModelRunner
  readonly #sampler: Sampler
  readonly #sessions = new Map<string, Session>()
  readonly #counters = { tokensGenerated: 0, promptTokens: 0, promptTokensReused: 0, steps: 0 }
  #state: SchedulerState
  /** The loop while it runs. */
  #looping: Promise<void> | null = null
  #closed = false
  #submitted = 0

  constructor(model: EngineModel, options: Required<EngineOptions>) {
    this.#model = model
    this.embeddings = model.embeddings
    this.contextLength = options.slotCapacity
    this.#runner = new ModelRunner(model, options)
    this.#sampler = new Sampler(this.#runner.vocabularySize)
    this.#state = createSchedulerState(options)
  }

  async *generate(request: EngineRequest): AsyncGenerator<EngineEvent, void> {
    const session = this.#submit(request)
    const onAbort = () => this.#finish(session, 'aborted')
    request.signal.addEventListener('abort', onAbort, { once: true })
    if (request.signal.aborted) onAbort()
    try {
      yield* session.stream
    } finally {
      request.signal.removeEventListener('abort', onAbort)
      // Left by its reader: nobody will read the rest.
      this.#finish(session, 'aborted')
    }
  }

  stats(): EngineStats {
    const { running, waiting, slots } = this.#state
    const used = running.reduce((positions, { computed }) => positions + computed, 0)
    return {
      running: running.length,
      waiting: waiting.length,
      slots: slots.length,
      slotsFree: slots.length - running.length,
      kvUsage: used / (slots.length * this.contextLength),
      kvBytesReserved: this.#runner.cache.bytesReserved,
      ...this.#counters,
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const session of this.#sessions.values()) this.#finish(session, 'aborted')
    await this.#looping
    this.#runner.release()
  }

  #submit(request: EngineRequest): Session {
    this.#check(request)
    const { prompt, checkpoint, tenant = '', maxTokens, stopIds, sampling, queueTimeoutMs } = request
    const now = performance.now()
    const id = String(this.#submitted++)
    const state = submit(this.#state, {
      id,
      tenant,
      checkpoint,
      prompt: this.#contentOf(request, tenant),
      maxTokens,
      stopIds,
      deadlineMs: queueTimeoutMs === undefined ? null : now + queueTimeoutMs,
    })
    if (state === null) {
      throw new ApiError('overloaded', {
        message: `${this.#state.waiting.length} requests are waiting already. Try again shortly.`,
        retryAfterSeconds: 1,
      })
    }
    this.#state = state
    const stop = new AbortController()
    const session: Session = {
      id,
      request,
      stream: new EventStream(),
      sampling: new SamplingState(sampling, prompt.ids),
      embeddings: prompt.embeddings,
      stop,
      signal: stop.signal,
      submittedMs: now,
      admittedMs: null,
      firstTokenMs: null,
      reusedTokens: 0,
    }
    this.#sessions.set(id, session)
    this.#looping ??= this.#loop()
    return session
  }

  #check({ prompt, checkpoint }: EngineRequest): void {
    if (this.#closed) {
      throw new ApiError('worker_unavailable', { message: 'This worker is shutting down. Try again.' })
    }
    if (checkpoint !== null && !this.#model.checkpoints.has(checkpoint)) {
      throw new ApiError('model_not_found', { message: `There is no checkpoint ${checkpoint}.` })
    }
    const length = prompt.ids.length
    if (length >= this.contextLength) {
      throw new ApiError('context_length_exceeded', {
        message: `The prompt has ${length} tokens; the context has room for ${this.contextLength}, the answer included.`,
      })
    }
    if (prompt.embeddings.length !== length * this.embeddings.hiddenSize) {
      throw new RangeError(`${length} ids came with ${prompt.embeddings.length} elements of embeddings.`)
    }
  }

  #contentOf({ prompt, checkpoint }: EngineRequest, tenant: string): PromptContent {
    const { ids, spans } = prompt
    // Without spans nobody says what the vectors in place of virtual ids depend on.
    const firstSpliced = spans ? -1 : ids.findIndex(id => id >= this.embeddings.vocabularySize)
    return {
      scope: JSON.stringify([tenant, checkpoint]),
      ids,
      spans: spans ?? [],
      shareable: firstSpliced < 0 ? ids.length : firstSpliced,
    }
  }

  async #loop(): Promise<void> {
    // Whoever submits in the same turn of the event loop is in the first step.
    await Promise.resolve()
    while (hasWork(this.#state)) {
      try {
        await this.#step()
      } catch (error) {
        // Not a run that failed (those end their own sequences) but a fault of ours: nobody may be left waiting.
        for (const session of this.#sessions.values()) this.#fail(session, error)
      }
    }
    // In the same turn as the question: a submission finds the loop either running or gone.
    this.#looping = null
  }

  async #step(): Promise<void> {
    const { state, plan, ended } = schedule(this.#state, performance.now())
    this.#state = state
    for (const { id, end } of ended) this.#end(id, end)
    this.#noteAdmissions()
    const outcomes = new Map<string, Outcome>()
    let busyMs = 0
    for await (const result of this.#runner.execute(plan, this.#sessions)) {
      const startMs = performance.now()
      outcomes.set(result.id, this.#take(result))
      busyMs += performance.now() - startMs
      if (busyMs < MAX_BUSY_MS) continue
      busyMs = 0
      await setImmediate()
    }
    const updated = update(this.#state, plan, outcomes)
    this.#state = updated.state
    this.#counters.steps += 1
    for (const { id, end } of updated.ended) this.#end(id, end)
  }

  #noteAdmissions(): void {
    for (const { id, prompt, reused } of this.#state.running) {
      const session = this.#sessions.get(id)!
      if (session.admittedMs !== null) continue
      session.admittedMs = performance.now()
      session.reusedTokens = reused
      this.#counters.promptTokens += prompt.ids.length
      this.#counters.promptTokensReused += reused
    }
  }

  /** Samples from what a run gave, and hands the token on at once. */
  #take(result: StepResult): Outcome {
    if (result.kind === 'computed') return { kind: 'computed' }
    const session = this.#sessions.get(result.id)
    // Aborted while it was computed.
    if (session === undefined) return { kind: 'failed' }
    try {
      if (result.kind === 'failed') throw result.error
      const { id, logprobs } = this.#sampler.sample(result.logits, session.sampling)
      session.firstTokenMs ??= performance.now()
      this.#counters.tokensGenerated += 1
      session.stream.push({
        type: 'token',
        id,
        logprob: logprobs?.logprob ?? null,
        topLogprobs: logprobs?.top ?? [],
      })
      return { kind: 'token', token: id }
    } catch (error) {
      this.#fail(session, error)
      return { kind: 'failed' }
    }
  }

  /** The scheduler is through with a sequence. */
  #end(id: string, end: SequenceEnd): void {
    const session = this.#sessions.get(id)
    if (session === undefined) return
    switch (end) {
      case 'stop':
      case 'length':
        this.#finish(session, end)
        break
      case 'expired':
        this.#fail(
          session,
          new ApiError('overloaded', {
            message: 'No slot became free in time. Try again shortly.',
            retryAfterSeconds: 1,
          }),
        )
        break
      case 'failed':
        break
    }
  }

  /** The reader learns why it is over. */
  #finish(session: Session, reason: EndReason): void {
    if (!this.#forget(session)) return
    session.stream.push({ type: 'end', reason, timings: timingsOf(session) })
    session.stream.end()
  }

  #fail(session: Session, error: unknown): void {
    if (this.#forget(session)) session.stream.fail(error)
  }

  /** Gives up what a session holds, wherever it is; `false` when that was done before. */
  #forget(session: Session): boolean {
    if (!this.#sessions.delete(session.id)) return false
    this.#state = cancel(this.#state, session.id)
    session.stop.abort()
    return true
  }
}

function timingsOf(session: Session): SequenceTimings {
  const now = performance.now()
  const { submittedMs, admittedMs, firstTokenMs, reusedTokens } = session
  return {
    queuedMs: (admittedMs ?? now) - submittedMs,
    prefillMs: admittedMs === null ? 0 : (firstTokenMs ?? now) - admittedMs,
    decodeMs: firstTokenMs === null ? 0 : now - firstTokenMs,
    reusedTokens,
  }
}
