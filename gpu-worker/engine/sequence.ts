/** A sequence as the scheduler sees it: numbers and ids, no vectors, no signals. */
import type { HeldContent, PromptContent } from './prefix-cache.ts'
import type { Priority } from './types.ts'

/** From the most to the least urgent. */
export const PRIORITIES = ['high', 'normal', 'low'] as const satisfies readonly Priority[]

/** What is asked for. Times are in the time that `submit()` and `schedule()` are given. */
export interface NewSequence {
  readonly id: string
  readonly tenant: string
  readonly priority: Priority
  readonly checkpoint: string | null
  readonly prompt: PromptContent
  /**
   * Sequences of one family have the same prompt, and all positions of their answers are computed one at a time: they
   * may take over those as well.
   */
  readonly family: string
  /** The answer so far: of a new one what is given, mostly nothing. It goes on behind it. */
  readonly tokens: readonly number[]
  /** Token ids that the answer may repeat; negative where there is none. */
  readonly sources: readonly ArrayLike<number>[]
  /** Tokens of the answer at most, those that are given included. */
  readonly maxTokens: number
  readonly stopIds: ReadonlySet<number>
  /** Until when it may wait for its first slot. */
  readonly admitByMs: number | null
  /** Until when it may last, waiting or running. */
  readonly deadlineMs: number | null
}

/** A sequence that waits for a slot: a new one, or one that was preempted. */
export interface WaitingSequence extends NewSequence {
  /** Counts up: who came first. No other sequence ever has the same. */
  readonly arrival: number
  readonly submittedMs: number
  /** How often it lost its slot. */
  readonly preemptions: number
}

/** A sequence that has a slot. Its phase follows from the counts; see `isPrefilling`. */
export interface RunningSequence extends WaitingSequence {
  readonly slot: number
  /**
   * Positions of prompt and answer whose keys and values are in the slot. The last token's are computed in the
   * step that it goes into; after a preemption those of earlier ones are due again too.
   */
  readonly computed: number
  /** Positions that were there already when it got the slot. */
  readonly reused: number
  /** Tokens that were guessed since, and how many of them came true; see draft.ts. */
  readonly drafted: number
  readonly accepted: number
}

/** How a sequence can end. */
export type SequenceEnd = 'stop' | 'length' | 'failed' | 'expired' | 'queue-timeout' | 'refused'

/** Whether prompt positions are left to compute; if not, it decodes. */
export function isPrefilling(sequence: RunningSequence): boolean {
  return sequence.computed < sequence.prompt.ids.length
}

/** The positions that a sequence will hold when all of it that is known by now is computed. */
export function demandOf({ prompt, tokens }: WaitingSequence): number {
  return prompt.ids.length + tokens.length
}

/** What the slot of a running sequence holds: for itself, should it be preempted, for its family, its prompt for others. */
export function heldBy({ prompt, computed, family, tokens }: RunningSequence): HeldContent {
  return { prompt, tokens, length: computed, family }
}
