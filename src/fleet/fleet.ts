/** The workers as one: choose one, forward the request, relay the answer, ask another where that is safe. */

import type { OpenSpan } from '../observability/edge-trace.ts'
import { type EdgeReadiness, protocolVersion } from '../protocol/health.ts'
import { type Model, ModelList } from '../protocol/models.ts'
import type { FileLibrary } from '../storage/file-library.ts'
import { type Attempt, attempt } from './attempt.ts'
import { type Candidate, type Choice, chooseWorker, type WorkerAddress } from './choose.ts'
import { sleep, timeoutSignal } from './clock.ts'
import { type Presence, streamWhileWaiting, waitForWorker } from './cold-start.ts'
import type { EjectionOptions } from './ejection.ts'
import { modelNotFound, overloaded, unavailable } from './failures.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import { hedge } from './hedge.ts'
import { LatencyWindow } from './latency-window.ts'
import type { FleetObserver } from './observer.ts'
import { HeardAudio } from './openai/heard-audio.ts'
import { modelsOfUpstream } from './openai/probe.ts'
import { type RegistryOptions, WorkerRegistry } from './registry.ts'
import { RetryBudget, type RetryBudgetOptions } from './retry-budget.ts'
import type { Starter } from './starter.ts'
import { type Journey, Traffic } from './traffic.ts'

export type { ForwardedRequest } from './forwarded-request.ts'

/** What a fleet is made of, beside its registry. */
export interface FleetOptions extends RegistryOptions {
  ejection?: EjectionOptions
  retryBudget?: RetryBudgetOptions
  /** Calls for a worker where none is; without one a request that finds none is refused. */
  starter?: Starter
  /** Longest wait for a slot that a request without a deadline of its own is let in for. */
  maxWaitMs?: number
  /** Files that were uploaded, for servers that can't read them themselves. */
  files?: FileLibrary
  observe?: FleetObserver
}

/** Requests to workers that one request of a client may become. */
const maxAttempts = 3
/** Of these, attempts that a worker may have begun to work on: a request that ends workers is not handed round. */
const maxFailures = 2
const defaultMaxWaitMs = 30_000
/** How long a request waits while another asks what workers there are, and how often it looks. */
const longestLearningMs = 2_000
const lookEveryMs = 10
/** A second worker isn't asked sooner than this, however fast all answers were. */
const shortestHedgeDelayMs = 20

type Unanswered = Exclude<Attempt, { kind: 'answered' }>

/** What a route asks instead of a worker. One an edge process or isolate. */
export class Fleet {
  readonly #options: FleetOptions
  readonly #registry: WorkerRegistry
  readonly #traffic: Traffic
  readonly #budget: RetryBudget
  readonly #heard = new HeardAudio()
  readonly #hedged = new LatencyWindow()
  /** Models that some worker has served: one that none serves now isn't unknown, its workers are gone. */
  readonly #served = new Set<string>()
  #turn = 0

  constructor(options: FleetOptions) {
    this.#options = options
    this.#registry = new WorkerRegistry({ ...options, heard: this.#heard })
    this.#traffic = new Traffic(options.ejection)
    this.#budget = new RetryBudget(options.retryBudget)
  }

  /**
   * Sends a request to a worker that serves the model and gives its answer: a relayed stream of events, or a whole
   * body. As long as nothing of an answer has come, another worker may be asked, within the budget for that.
   * @throws ApiError model_not_found, worker_unavailable, worker_failed, overloaded, deadline_exceeded, request_cancelled
   */
  async forward(request: ForwardedRequest): Promise<Response> {
    this.#budget.deposit()
    const { timeoutMs } = request
    const deadlineMs = timeoutMs === undefined || timeoutMs === null ? null : this.#now() + timeoutMs
    const choice = await this.#choose(request, deadlineMs, new Set())
    if (choice.kind !== 'unavailable' || !this.#options.starter?.models.includes(request.model)) {
      return this.#answer(request, deadlineMs, choice)
    }
    const events = waitForWorker({
      clock: this.#options.clock,
      look: () => this.#presence(request.model),
      start: () => this.#start(request.model),
      deadlineMs,
      signal: request.signal,
    })
    const answer = async () => {
      return this.#answer(request, deadlineMs, await this.#choose(request, deadlineMs, new Set()))
    }
    if (request.stream) return streamWhileWaiting(events, answer)
    for await (const _event of events) {
      // The client sees nothing before the whole answer.
    }
    return answer()
  }

  /**
   * All models that ready workers list, each once.
   * @throws ApiError worker_unavailable when no worker is ready
   */
  async models(): Promise<Model[]> {
    await this.#registry.refresh()
    const models = new Map<string, Model>()
    const covered = new Set<string>()
    let answers = 0
    for (const { address, state } of this.#registry.known()) {
      // One of those that serve the same models is enough.
      if (state.kind !== 'ready' || (answers > 0 && state.models.every(id => covered.has(id)))) continue
      const list = await this.#modelsOf(address)
      if (list === null) continue
      answers++
      for (const id of state.models) covered.add(id)
      for (const model of list) if (!models.has(model.id)) models.set(model.id, model)
    }
    if (answers === 0) throw unavailable()
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

  /** The workers and how they stand, as this edge sees them; for metrics. */
  workers(): Candidate[] {
    return this.#traffic.candidates(this.#registry.known(), this.#now())
  }

  /** Asks one worker after the other, as long as that is safe and paid for. */
  async #answer(
    request: ForwardedRequest,
    deadlineMs: number | null,
    firstChoice: Choice,
  ): Promise<Response> {
    const tried = new Set<string>()
    let choice = firstChoice
    let failures = 0
    let last: Unanswered | null = null
    for (let attempts = 0; attempts < maxAttempts; attempts++) {
      if (attempts > 0) {
        choice = await this.#choose(request, deadlineMs, tried)
        // Who says that it can't do more is believed; the client is told what the last worker said.
        if (choice.kind !== 'worker' || !this.#mayRetry(request)) break
        await last?.response?.body?.cancel().catch(() => {})
      }
      const candidate = this.#toCandidate(request, choice)
      tried.add(candidate.address.id)
      const result = await this.#send(candidate, request, deadlineMs, tried)
      if (result.kind === 'answered') return result.response
      last = result
      if (result.kind === 'failed' && ++failures >= maxFailures) break
      // What was taken of a body that is still coming can't be sent again.
      if (request.rest?.locked) break
    }
    if (last!.response !== null) return last!.response
    throw last!.error
  }

  async #choose(
    request: ForwardedRequest,
    deadlineMs: number | null,
    excluded: ReadonlySet<string>,
  ): Promise<Choice> {
    const turn = this.#turn++
    const choose = () => {
      const maxWaitMs = this.#options.maxWaitMs ?? defaultMaxWaitMs
      const patienceMs =
        deadlineMs === null ? Number.POSITIVE_INFINITY : Math.max(0, deadlineMs - this.#now())
      const { model, audio = [] } = request
      return chooseWorker(this.workers(), { model, audio, turn, excluded, maxWaitMs, patienceMs })
    }
    const choice = choose()
    if (choice.kind === 'worker' || choice.kind === 'overloaded') {
      if (this.#registry.isStale()) request.background(this.#registry.refresh())
      return choice
    }
    const untilMs = Math.min(this.#now() + longestLearningMs, deadlineMs ?? Number.POSITIVE_INFINITY)
    let second: Choice
    while (true) {
      await this.#registry.refresh()
      this.#traffic.keep(this.#registry.known())
      second = choose()
      // On Workers no request can wait for what another has asked, but it can look whether the answer has come.
      const isToWait = second.kind !== 'worker' && this.#registry.isLearning() && this.#now() < untilMs
      if (!isToWait || request.signal.aborted) break
      await sleep(this.#options.clock, lookEveryMs, request.signal)
    }
    if (second.kind === 'worker') this.#served.add(request.model)
    return second.kind === 'model-unknown' && this.#served.has(request.model)
      ? { kind: 'unavailable' }
      : second
  }

  /** @throws ApiError for a choice that is no worker */
  #toCandidate(request: ForwardedRequest, choice: Choice): Candidate {
    switch (choice.kind) {
      case 'worker':
        return choice.candidate
      case 'overloaded':
        this.#observe({
          type: 'shed',
          requestId: request.requestId,
          model: request.model,
          waitMs: choice.waitMs,
        })
        throw overloaded(choice)
      case 'model-unknown':
        throw modelNotFound(request.model, choice.models)
      case 'unavailable':
        throw unavailable()
    }
  }

  /** To one worker, or where the request is short and that one late, to a second. */
  async #send(
    candidate: Candidate,
    request: ForwardedRequest,
    deadlineMs: number | null,
    tried: Set<string>,
  ): Promise<Attempt> {
    const startedMs = this.#now()
    const delayMs = this.#hedged.slowest5Percent()
    if (!request.hedge) return this.#attempt(candidate, request, deadlineMs)
    const result =
      delayMs === null
        ? await this.#attempt(candidate, request, deadlineMs)
        : await hedge({
            clock: this.#options.clock,
            delayMs: Math.max(shortestHedgeDelayMs, delayMs),
            first: signal => this.#attempt(candidate, request, deadlineMs, signal),
            second: signal => this.#hedge(request, deadlineMs, tried, signal),
          })
    if (result.kind === 'answered') this.#hedged.add(this.#now() - startedMs)
    return result
  }

  #hedge(
    request: ForwardedRequest,
    deadlineMs: number | null,
    tried: Set<string>,
    signal: AbortSignal,
  ): Promise<Attempt> | null {
    const { model, audio = [] } = request
    const wish = { model, audio, turn: this.#turn++, excluded: tried }
    // A worker that would let it wait is no help.
    const choice = chooseWorker(this.workers(), { ...wish, maxWaitMs: 0, patienceMs: 0 })
    if (choice.kind !== 'worker' || !this.#mayRetry(request, true)) return null
    tried.add(choice.candidate.address.id)
    return this.#attempt(choice.candidate, request, deadlineMs, signal)
  }

  async #attempt(
    candidate: Candidate,
    request: ForwardedRequest,
    deadlineMs: number | null,
    signal?: AbortSignal,
  ): Promise<Attempt> {
    const { fetch, clock } = this.#options
    const { address } = candidate
    const startedMs = this.#now()
    const span = request.trace?.begin('attempt')
    const journey = tracedJourney(this.#traffic.begin(candidate, startedMs), span, address.id)
    const headers = { ...request.headers, ...span?.headers }
    const tools = { heard: this.#heard, files: this.#options.files ?? null }
    let outcome: 'answered' | 'refused' | 'failed' | 'cancelled' = 'cancelled'
    try {
      const options = { fetch, clock, deadlineMs, journey, tools, ...(signal && { signal }) }
      const result = await attempt(address, { ...request, headers }, options)
      if (signal?.aborted) return result
      outcome = result.kind
      if (result.kind === 'refused') {
        if (result.reason === 'unreachable') this.#registry.markUnreachable(address)
        if (result.reason === 'not-ready') this.#registry.markNotReady(address)
        if (result.reason === 'full') this.#traffic.full(address, result.retryAfterMs, this.#now())
      }
      return result
    } finally {
      const durationMs = this.#now() - startedMs
      this.#observe({
        type: 'attempt',
        requestId: request.requestId,
        worker: address.id,
        outcome,
        durationMs,
      })
    }
  }

  #mayRetry({ requestId }: ForwardedRequest, isHedge = false): boolean {
    const allowed = this.#budget.withdraw(this.#now())
    this.#observe(
      allowed ? { type: 'retry', requestId, hedge: isHedge } : { type: 'retry-denied', requestId },
    )
    return allowed
  }

  async #presence(model: string): Promise<Presence> {
    await this.#registry.refresh()
    let presence: Presence = 'absent'
    for (const { state } of this.#registry.known()) {
      if (state.kind === 'ready' && state.models.includes(model)) return 'ready'
      // One that loads doesn't know yet what it will serve.
      const mayServe =
        state.kind === 'not-ready' && (state.models.length === 0 || state.models.includes(model))
      if (mayServe) presence = 'loading'
    }
    return presence
  }

  async #start(model: string): Promise<boolean> {
    const understood = (await this.#options.starter?.start(model)) ?? false
    this.#observe({ type: 'start', model, understood })
    return understood
  }

  async #modelsOf(worker: WorkerAddress): Promise<Model[] | null> {
    const { fetch, clock } = this.#options
    const timer = timeoutSignal(clock, 2_000)
    const { url, openai } = worker
    try {
      if (openai !== undefined) return await modelsOfUpstream({ url, openai }, fetch, timer.signal)
      const response = await fetch(`${url}/v1/models`, { signal: timer.signal })
      return ModelList.parse(await response.json()).data
    } catch {
      this.#registry.markUnreachable(worker)
      return null
    } finally {
      timer.clear()
    }
  }

  #observe(event: Parameters<FleetObserver>[0]): void {
    this.#options.observe?.(event)
  }

  #now(): number {
    return this.#options.clock.now()
  }
}

/** The same; its span ends with it. */
function tracedJourney(journey: Journey, span: OpenSpan | undefined, worker: string): Journey {
  if (span === undefined) return journey
  return {
    end(outcome, nowMs) {
      journey.end(outcome, nowMs)
      const failed = outcome === 'failed' || outcome === 'late'
      span.end({ 'auricle.worker': worker, 'auricle.outcome': outcome }, failed ? outcome : null)
    },
  }
}
