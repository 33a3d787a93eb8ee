/**
 * The engine's loop: plan, run, sample, update, for as long as there is work. Between two runs it keeps the
 * event loop for no longer than sampling takes; the runs themselves are off it (c-api).
 */
import { setImmediate } from 'node:timers/promises'
import { ApiError } from '../../src/protocol/errors.ts'
import { GREEDY } from '../sampling/options.ts'
import { type SampledToken, Sampler } from '../sampling/sampler.ts'
import { checkRequest, promptTooLong, toNewSequence } from './check-request.ts'
import { type Branch, Continuations } from './continuations.ts'
import type { Engine, EngineModel, EngineOptions } from './engine.ts'
import { cachedPositions, runningPositions } from './memory.ts'
import { ModelRunner, type StepResult } from './model-runner.ts'
import type { Outcome } from './plan.ts'
import { cancel, createSchedulerState, hasWork, schedule, shed, submit, update } from './scheduler.ts'
import type { SchedulerState } from './scheduler-state.ts'
import type { SequenceEnd } from './sequence.ts'
import { Session } from './session.ts'
import type {
  AdapterWeights,
  EndedAs,
  EndReason,
  EngineEvent,
  EngineRequest,
  EngineStats,
  Priority,
  ScoreRequest,
  Scores,
  SequenceTimings,
} from './types.ts'

/** The bounds when the caller gives none: an answer a second or two long for each of eight, on two cores. */
export const ENGINE_DEFAULTS = {
  slots: 8,
  slotCapacity: 2048,
  kvBytes: null,
  maxWaiting: 64,
  prefillBudget: 64,
  prefillBudgetIdle: 128,
  maxDrafts: 0,
  minimumReuse: 16,
  growthReserve: 16,
  agingMs: 5000,
} as const satisfies Required<EngineOptions>

/** Sampling for a full batch with log-probabilities takes longer than a health request should wait. */
const MAX_BUSY_MS = 4

/**
 * Makes an engine over a loaded decoder. The memory of its slots is taken when touched.
 * @throws RangeError when the decoder or a checkpoint isn't what it can run, or a bound too small
 * @example
 * const engine = createEngine({ decoder, embeddings, checkpoints: new Map() }, { slots: 4 })
 * for await (const event of engine.generate(request)) if (event.type === 'token') write(event.id)
 */
export function createEngine(model: EngineModel, options: EngineOptions = {}): Engine {
  return new LocalEngine(model, { ...ENGINE_DEFAULTS, ...options })
}

/** A sequence that scores a branch of continuations; those of a family share what they have in common. */
interface Fork {
  readonly branch: Branch
  readonly family: string
}

class LocalEngine implements Engine {
  readonly embeddings
  readonly contextLength: number
  readonly #runner: ModelRunner
  readonly #sampler: Sampler
  readonly #sessions = new Map<string, Session>()
  readonly #counters = { tokensGenerated: 0, promptTokens: 0, promptTokensReused: 0, steps: 0 }
  readonly #ended: Record<EndedAs, number> = {
    stop: 0,
    length: 0,
    aborted: 0,
    failed: 0,
    expired: 0,
    refused: 0,
  }
  /** Checkpoints that go before the next step: one who was aborted may still be computed with them in this one. */
  readonly #leaving = new Set<string>()
  #state: SchedulerState
  /** The loop while it runs. */
  #looping: Promise<void> | null = null
  #closed = false
  #submitted = 0

  constructor(model: EngineModel, options: Required<EngineOptions>) {
    this.embeddings = model.embeddings
    this.contextLength = options.slotCapacity
    this.#runner = new ModelRunner(model, options)
    this.#sampler = new Sampler(this.#runner.vocabularySize)
    this.#state = createSchedulerState({ ...options, kvPositions: this.#runner.cache.budget })
  }

  generate(request: EngineRequest): AsyncGenerator<EngineEvent, void> {
    return this.#run(request)
  }

  async score(request: ScoreRequest): Promise<Scores> {
    const { continuations: given, queueTimeoutMs: _, ...asked } = request
    const longest = Math.max(...given.map(({ length }) => length))
    if (request.prompt.ids.length + longest > this.contextLength) {
      throw promptTooLong(request.prompt.ids.length, this.contextLength)
    }
    const continuations = new Continuations(given)
    const family = `family ${this.#submitted}`
    const failed = new AbortController()
    const signal = AbortSignal.any([request.signal, failed.signal])
    const startMs = performance.now()
    let first: SequenceTimings | null = null
    const walk = async (branch: Branch): Promise<void> => {
      const isFirst = branch.tokens.length === 0
      const answer = { signal, maxTokens: branch.length, stopIds: new Set<number>(), sampling: GREEDY }
      for await (const event of this.#run(
        { ...(isFirst ? request : asked), ...answer },
        { branch, family },
      )) {
        // Others may begin where it has come to.
        if (event.type === 'token') begin()
        else if (event.reason === 'aborted') throw signal.reason ?? shuttingDown()
        else if (isFirst) first = event.timings
      }
    }
    const walks = new Set<Promise<void>>()
    const begin = () => {
      // Twice as many as there are slots: whoever ends is followed in the very next step.
      while (walks.size < 2 * this.#state.config.slots) {
        const branch = continuations.next()
        if (branch === null) return
        const walking = walk(branch).finally(() => walks.delete(walking))
        walking.catch(() => {})
        walks.add(walking)
      }
    }
    try {
      for (begin(); walks.size > 0; begin()) await Promise.race(walks)
    } catch (error) {
      failed.abort()
      await Promise.allSettled(walks)
      throw error
    }
    const { queuedMs, prefillMs, reusedTokens } = first!
    const decodeMs = performance.now() - startMs - queuedMs - prefillMs
    return { logprobs: continuations.logprobs(), timings: { queuedMs, prefillMs, decodeMs, reusedTokens } }
  }

  async *#run(request: EngineRequest, fork: Fork | null = null): AsyncGenerator<EngineEvent, void> {
    const session = this.#submit(request, fork)
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

  addCheckpoint(name: string, weights: AdapterWeights): void {
    // One that was about to go is the same, and stays.
    if (!this.#leaving.delete(name)) this.#runner.addAdapter(name, weights)
  }

  removeCheckpoint(name: string): void {
    this.#leaving.add(name)
    if (this.#looping === null) this.#removeLeaving()
  }

  stats(): EngineStats {
    const { running, waiting, slots, config, preemptions } = this.#state
    const waitingByPriority: Record<Priority, number> = { high: 0, normal: 0, low: 0 }
    for (const { priority } of waiting) waitingByPriority[priority] += 1
    const kvPositions = {
      budget: config.kvPositions,
      running: runningPositions(this.#state),
      cached: cachedPositions(this.#state),
    }
    const { bytesPerPosition, bytesTaken } = this.#runner.cache
    return {
      running: running.length,
      waiting: waiting.length,
      waitingByPriority,
      slots: slots.length,
      slotsFree: slots.length - running.length,
      kvUsage: kvPositions.running / kvPositions.budget,
      kvPositions,
      kvBytesReserved: kvPositions.budget * bytesPerPosition,
      kvBytesUsed: bytesTaken,
      preemptions,
      ended: { ...this.#ended },
      ...this.#counters,
    }
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const session of this.#sessions.values()) this.#finish(session, 'aborted')
    await this.#looping
    this.#runner.release()
  }

  #submit(request: EngineRequest, fork: Fork | null): Session {
    if (this.#closed) throw shuttingDown()
    const hasCheckpoint = (name: string) => this.#runner.hasAdapter(name)
    checkRequest(request, { embeddings: this.embeddings, hasCheckpoint }, this.contextLength)
    const id = String(this.#submitted++)
    const nowMs = performance.now()
    const known = fork === null ? {} : { family: fork.family, tokens: fork.branch.tokens }
    const sequence = toNewSequence(id, request, nowMs, this.embeddings.vocabularySize, known)
    const { state, ended } = shed(submit(this.#state, sequence, nowMs), nowMs)
    const session = new Session(id, request, fork?.branch ?? null)
    this.#state = state
    this.#sessions.set(id, session)
    for (const refused of ended) this.#end(refused.id, refused.end)
    this.#looping ??= this.#loop()
    return session
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
    this.#removeLeaving()
    // In the same turn as the question: a submission finds the loop either running or gone.
    this.#looping = null
  }

  #removeLeaving(): void {
    for (const name of this.#leaving) this.#runner.removeAdapter(name)
    this.#leaving.clear()
  }

  async #step(): Promise<void> {
    this.#removeLeaving()
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
      if (session.isAdmitted) continue
      session.noteAdmission(reused)
      this.#counters.promptTokens += prompt.ids.length
      this.#counters.promptTokensReused += reused
    }
  }

  /** Samples from what a run gave, and hands the tokens on at once. */
  #take(result: StepResult): Outcome {
    if (result.kind === 'computed') return { kind: 'computed' }
    const session = this.#sessions.get(result.id)
    // Aborted while it was computed.
    if (session === undefined) return { kind: 'failed' }
    try {
      if (result.kind === 'failed') throw result.error
      const tokens: number[] = []
      for (const [row, logits] of result.logits.entries()) {
        const token = this.#emit(logits, session)
        tokens.push(token)
        // What was computed behind a draft holds if the draft came true.
        if (token !== result.drafts[row] || session.request.stopIds.has(token)) break
      }
      return { kind: 'tokens', tokens }
    } catch (error) {
      this.#fail(session, error)
      return { kind: 'failed' }
    }
  }

  #emit(logits: Float32Array, session: Session): number {
    const { id, logprobs } = this.#choose(logits, session)
    session.noteToken()
    this.#counters.tokensGenerated += 1
    session.stream.push({
      type: 'token',
      id,
      logprob: logprobs?.logprob ?? null,
      topLogprobs: logprobs?.top ?? [],
    })
    return id
  }

  #choose(logits: Float32Array, { branch, sampling }: Session): SampledToken {
    return branch === null
      ? this.#sampler.sample(logits, sampling)
      : { id: branch.take(logits), logprobs: null }
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
      case 'queue-timeout':
        this.#fail(session, queueTimeout(), 'expired')
        break
      case 'refused':
        this.#fail(session, queueFull(this.#state.waiting.length), 'refused')
        break
      case 'expired':
        this.#fail(session, deadlineExceeded(), 'expired')
        break
      case 'failed':
        break
    }
  }

  /** The reader learns why it is over. */
  #finish(session: Session, reason: EndReason): void {
    if (!this.#forget(session, reason)) return
    session.stream.push({ type: 'end', reason, timings: session.timings() })
    session.stream.end()
  }

  #fail(session: Session, error: unknown, as: EndedAs = 'failed'): void {
    if (this.#forget(session, as)) session.stream.fail(error)
  }

  /** Gives up what a session holds, wherever it is; `false` when that was done before. */
  #forget(session: Session, as: EndedAs): boolean {
    if (!this.#sessions.delete(session.id)) return false
    this.#state = cancel(this.#state, session.id)
    this.#ended[as] += 1
    session.stop()
    return true
  }
}

function shuttingDown(): ApiError {
  return new ApiError('worker_unavailable', { message: 'This worker is shutting down. Try again.' })
}

function queueFull(waiting: number): ApiError {
  return new ApiError('overloaded', {
    message: `${waiting} requests are waiting already. Try again shortly.`,
    retryAfterSeconds: 1,
  })
}

function queueTimeout(): ApiError {
  return new ApiError('overloaded', {
    message: 'No slot became free in time. Try again shortly.',
    retryAfterSeconds: 1,
  })
}

function deadlineExceeded(): ApiError {
  return new ApiError('deadline_exceeded', { message: 'The answer was not finished in the time given.' })
}
