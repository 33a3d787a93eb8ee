/** The engine: sequences in, tokens out. It owns the loop of plan, run, sample, update. */
import type { OrtSession } from '../runtime/runtime.ts'
import type {
  AdapterWeights,
  EngineEvent,
  EngineRequest,
  EngineStats,
  ScoreRequest,
  Scores,
  TokenEmbeddings,
} from './types.ts'

/** The bounds of the engine; see `ENGINE_DEFAULTS` in create-engine.ts. */
export interface EngineOptions {
  /** Sequences computed at the same time. */
  slots?: number
  /** Positions of a slot: prompt and answer together. Memory is taken when touched. */
  slotCapacity?: number
  /**
   * Bytes of keys and values of all slots together, at least one slot's; `null` for all slots in full. Should the
   * answers outgrow it, the least urgent of those that run is interrupted and computed again later.
   */
  kvBytes?: number | null
  /** Sequences that may wait for a slot; one more is refused with `overloaded`. */
  maxWaiting?: number
  /** Prompt tokens computed in one step while others are decoding (their pause between two tokens). */
  prefillBudget?: number
  /** Prompt tokens computed in one step while nothing else runs. */
  prefillBudgetIdle?: number
  /**
   * Tokens that are guessed for an answer that is alone, at most, and computed along: those that come true save their
   * steps. Only for a decoder whose results are the same to the last bit then, or answers are not.
   */
  maxDrafts?: number
  /** A common prefix shorter than this isn't copied from another slot. */
  minimumReuse?: number
  /** Tokens that all who run should have room for when another begins. */
  growthReserve?: number
  /** Whoever waits this long counts as of the next higher priority. */
  agingMs?: number
}

/** What the engine computes with. */
export interface EngineModel {
  /** The decoder with the inputs and outputs of `models/pocket/decoder.onnx`. */
  readonly decoder: OrtSession
  readonly embeddings: TokenEmbeddings
  /** The adapters that requests may name from the start. */
  readonly checkpoints: ReadonlyMap<string, AdapterWeights>
}

/** Made by `createEngine()` in create-engine.ts. */
export interface Engine {
  readonly embeddings: TokenEmbeddings
  /** Positions of a slot: the most that prompt and answer may have together. */
  readonly contextLength: number
  /**
   * Generates one answer. Nothing happens before the first `next()`; `return()` aborts.
   * @throws ApiError `context_length_exceeded` when the prompt leaves no room for a token, `overloaded` when
   * the queue is full or the wait too long, `deadline_exceeded`, `model_not_found` for an unknown checkpoint
   */
  generate(request: EngineRequest): AsyncIterable<EngineEvent>
  /**
   * Scores given continuations of one prompt, which is read once: what they begin with in common is computed once, and
   * where they part they go on side by side, in whatever slots are free. What comes out depends on nobody else.
   * @throws ApiError as `generate()`; the signal's reason
   */
  score(request: ScoreRequest): Promise<Scores>
  /** Requests may name it from now on. @throws RangeError when it isn't one of this decoder's */
  addCheckpoint(name: string, weights: AdapterWeights): void
  /** No request that isn't over may name it. Its memory is free once the step in progress has ended. */
  removeCheckpoint(name: string): void
  stats(): EngineStats
  /** Refuses what is new, ends what runs with `aborted`, waits for the step in progress. */
  close(): Promise<void>
}
