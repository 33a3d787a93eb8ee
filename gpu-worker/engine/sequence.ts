/** A sequence as the scheduler sees it: numbers and ids, no vectors, no signals. */
import type { HeldContent, PromptContent } from './prefix-cache.ts'

/** What is asked for. */
export interface NewSequence {
  readonly id: string
  readonly tenant: string
  readonly checkpoint: string | null
  readonly prompt: PromptContent
  /** Tokens of the answer at most; at least 1. */
  readonly maxTokens: number
  readonly stopIds: ReadonlySet<number>
  /** Until when it may wait for a slot, in the time that `schedule()` is given. */
  readonly deadlineMs: number | null
}

/** A sequence that waits for a slot. */
export interface WaitingSequence extends NewSequence {
  /** Counts up: who came first. */
  readonly arrival: number
}

/** A sequence that has a slot. Its phase follows from the counts; see `isPrefilling`. */
export interface RunningSequence extends WaitingSequence {
  readonly slot: number
  /** Positions of prompt and answer whose keys and values are in the slot. */
  readonly computed: number
  /** Positions that were there already when it got the slot. */
  readonly reused: number
  /** The answer so far. The last token's keys are computed in the step that it goes into. */
  readonly tokens: readonly number[]
}

/** How a sequence can end. */
export type SequenceEnd = 'stop' | 'length' | 'failed' | 'expired'

/** Whether prompt positions are left to compute; if not, it decodes. */
export function isPrefilling(sequence: RunningSequence): boolean {
  return sequence.computed < sequence.prompt.ids.length
}

/** What the slot of a running sequence holds for others. */
export function heldBy({ prompt, computed }: RunningSequence): HeldContent {
  return { prompt, length: Math.min(computed, prompt.ids.length) }
}
