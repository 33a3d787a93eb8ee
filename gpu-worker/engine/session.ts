/** A request from its submission to its end: what the engine keeps of it besides what the scheduler knows. */
import { SamplingState } from '../sampling/sampler.ts'
import type { Branch } from './continuations.ts'
import { EventStream } from './event-stream.ts'
import type { PrefillInput } from './model-runner.ts'
import type { EngineEvent, EngineRequest, SequenceTimings } from './types.ts'

/** Outlives preemptions: the sampling goes on where it was. */
export class Session implements PrefillInput {
  /** The engine's: one that the caller reuses can't be confused with an earlier one still being computed. */
  readonly id: string
  readonly request: EngineRequest
  readonly stream = new EventStream<EngineEvent>()
  readonly sampling: SamplingState
  /** What is scored instead of sampled. */
  readonly branch: Branch | null
  readonly submittedMs = performance.now()
  readonly #stop = new AbortController()
  #admittedMs: number | null = null
  #firstTokenMs: number | null = null
  #reusedTokens = 0

  constructor(id: string, request: EngineRequest, branch: Branch | null) {
    this.id = id
    this.request = request
    this.branch = branch
    this.sampling = new SamplingState(request.sampling, request.prompt.ids, request.grammar?.start())
  }

  /** [prompt, hidden] f32 */
  get embeddings(): Float32Array {
    return this.request.prompt.embeddings
  }

  /** Ends its prefill in progress. */
  get signal(): AbortSignal {
    return this.#stop.signal
  }

  get isAdmitted(): boolean {
    return this.#admittedMs !== null
  }

  /** It has got its first slot, with so much of its prompt already there. */
  noteAdmission(reusedTokens: number): void {
    this.#admittedMs = performance.now()
    this.#reusedTokens = reusedTokens
  }

  noteToken(): void {
    this.#firstTokenMs ??= performance.now()
  }

  /** Nobody wants the rest. */
  stop(): void {
    this.#stop.abort()
    this.sampling.constraint?.release()
  }

  timings(): SequenceTimings {
    const now = performance.now()
    const [admittedMs, firstTokenMs] = [this.#admittedMs, this.#firstTokenMs]
    return {
      queuedMs: (admittedMs ?? now) - this.submittedMs,
      prefillMs: admittedMs === null ? 0 : (firstTokenMs ?? now) - admittedMs,
      decodeMs: firstTokenMs === null ? 0 : now - firstTokenMs,
      reusedTokens: this.#reusedTokens,
    }
  }
}
