/** What goes into the engine and what comes out. The request path codes against this and `engine.ts`. */
import type { TokenConstraint } from '../sampling/constraint.ts'
import type { SamplingOptions, TokenLogprob } from '../sampling/options.ts'

/** The tokens of a prompt with the vectors that the model reads in their place. */
export interface Prompt {
  /** [length] vocabulary ids; at spliced positions the placeholder's (virtual) id */
  readonly ids: Int32Array
  /** [length, hidden] f32, already spliced */
  readonly embeddings: Float32Array
  /**
   * What the vectors at spliced positions depend on besides the ids; without it nothing past the first
   * position whose embedding isn't its id's is ever shared between requests. Ascending, not overlapping.
   */
  readonly spans?: readonly PromptSpan[]
  /** Ids of what the spliced vectors say, where that is known: what an answer may well repeat. */
  readonly heard?: Int32Array
}

/** Positions `start` (included) to `end` (excluded) whose embeddings are a function of `contentHash` alone. */
export interface PromptSpan {
  readonly start: number
  readonly end: number
  /** A collision-resistant hash of the audio and of whatever else shaped the vectors, e.g. the pack's. */
  readonly contentHash: string
}

/** Whose turn it is before whose: OpenAI's service tiers `priority`, `default` and `flex`. */
export type Priority = 'high' | 'normal' | 'low'

/** One sequence to be generated. `n` choices are n requests with the same prompt. */
export interface EngineRequest {
  /** For traces. */
  readonly id: string
  readonly prompt: Prompt
  /** The adapter's name in the pack, or `null` for the base model. */
  readonly checkpoint: string | null
  /** Tokens at most, the one that stops included. */
  readonly maxTokens: number
  /** The answer ends with one of these; it is emitted as a token, then `end`. */
  readonly stopIds: ReadonlySet<number>
  readonly sampling: SamplingOptions
  /** What the answer may be: the engine starts it with the request, and it follows the tokens that are emitted. */
  readonly grammar?: { start(): TokenConstraint } | null
  /** Aborting frees the slot; the iterator then ends with `aborted`. */
  readonly signal: AbortSignal
  /** Requests of different tenants take turns. */
  readonly tenant?: string
  /**
   * Who is first where requests wait; `normal` when it isn't said. A `high` one takes the slot of a `low` one that
   * runs, which goes on later where it stopped.
   */
  readonly priority?: Priority
  /** Waiting longer than this for a slot ends in ApiError `overloaded`. */
  readonly queueTimeoutMs?: number
  /** In the time of `performance.now()`: not over by then, waiting or running, ends in `deadline_exceeded`. */
  readonly deadlineMs?: number
}

/** Continuations of one prompt that are to be scored. */
export interface ScoreRequest extends Omit<EngineRequest, 'maxTokens' | 'stopIds' | 'sampling' | 'grammar'> {
  /** Tokens of each, at least one. */
  readonly continuations: readonly (readonly number[])[]
}

/** How likely each continuation is. */
export interface Scores {
  /** [continuations][tokens] the natural logarithm of each token's probability behind those before it. */
  readonly logprobs: readonly (readonly number[])[]
  /** Of all together. */
  readonly timings: SequenceTimings
}

/** What `generate()` yields: tokens, then exactly one `end`. */
export type EngineEvent =
  | {
      readonly type: 'token'
      readonly id: number
      /** `null` when the request didn't ask for log-probabilities. */
      readonly logprob: number | null
      readonly topLogprobs: readonly TokenLogprob[]
    }
  | { readonly type: 'end'; readonly reason: EndReason; readonly timings: SequenceTimings }

/** A stop id, `maxTokens` or a full slot, or the request's signal. */
export type EndReason = 'stop' | 'length' | 'aborted'

/** Where one sequence's time went. */
export interface SequenceTimings {
  readonly queuedMs: number
  /** From admission to the first token. */
  readonly prefillMs: number
  readonly decodeMs: number
  /** Prompt positions whose keys and values were there already. */
  readonly reusedTokens: number
}

/** The vectors of vocabulary ids: how generated tokens go back in. */
export interface TokenEmbeddings {
  readonly vocabularySize: number
  readonly hiddenSize: number
  /**
   * Writes the embedding of `id` into `target` at element `offset`.
   * @throws RangeError when `id` isn't in the vocabulary
   */
  lookup(id: number, target: Float32Array, offset?: number): void
}

/** The LoRA matrices of one checkpoint, by the decoder's input name. */
export type AdapterWeights = ReadonlyMap<
  string,
  { readonly data: Float32Array; readonly dims: readonly number[] }
>

/** What the engine is doing, for `/readyz` and `/metrics`. */
export interface EngineStats {
  readonly running: number
  readonly waiting: number
  readonly waitingByPriority: Readonly<Record<Priority, number>>
  readonly slots: number
  readonly slotsFree: number
  /** `kvPositions.running` over `kvPositions.budget`. */
  readonly kvUsage: number
  /** Positions of all slots: how many there may be, are held by who runs, are kept for later prompts. */
  readonly kvPositions: { readonly budget: number; readonly running: number; readonly cached: number }
  /** What the budget comes to. */
  readonly kvBytesReserved: number
  /** What has been written so far and not given back. */
  readonly kvBytesUsed: number
  // Counted since the start.
  readonly steps: number
  readonly tokensGenerated: number
  /** Of admitted requests: what the prefix cache was asked for. */
  readonly promptTokens: number
  /** What it had. */
  readonly promptTokensReused: number
  /** How often a running request lost its slot, to be computed again later. */
  readonly preemptions: number
  /** How requests ended; `refused` ones found the queue full. */
  readonly ended: Readonly<Record<EndedAs, number>>
}

/** `expired`: the deadline passed, or the time in the queue. */
export type EndedAs = EndReason | 'failed' | 'expired' | 'refused'
