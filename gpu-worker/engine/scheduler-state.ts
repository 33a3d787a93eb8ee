/** What the scheduler knows: the state that goes through its pure functions. */
import type { HeldContent } from './prefix-cache.ts'
import type { RunningSequence, WaitingSequence } from './sequence.ts'

/** The bounds that the scheduler keeps. */
export interface SchedulerConfig {
  readonly slots: number
  /** Positions of a slot, prompt and answer together. */
  readonly slotCapacity: number
  /** Positions of all slots together, running and kept for later; at least `slotCapacity`. */
  readonly kvPositions: number
  /** Tokens that all who run should have room for when another is admitted, before anyone is preempted. */
  readonly growthReserve: number
  readonly maxWaiting: number
  /** Prompt positions a step while others decode; at least 3, see `planPrefills`. */
  readonly prefillBudget: number
  /** Prompt positions a step while nobody decodes; at least 3. */
  readonly prefillBudgetIdle: number
  /** Tokens that are guessed for a sequence that runs alone, and computed along. */
  readonly maxDrafts: number
  /** A shorter common prefix isn't worth copying or waiting for. */
  readonly minimumReuse: number
  /** A sequence that waits this long counts as of the next higher priority. */
  readonly agingMs: number
}

/** A slot: taken by a running sequence, or free with what its last one left. */
export type Slot =
  | { readonly kind: 'taken'; readonly by: string }
  | { readonly kind: 'free'; readonly held: HeldContent | null; readonly freedInStep: number }

/** Everything the scheduler knows. */
export interface SchedulerState {
  readonly config: SchedulerConfig
  readonly step: number
  readonly arrivals: number
  /** By arrival. */
  readonly waiting: readonly WaitingSequence[]
  /** By admission. */
  readonly running: readonly RunningSequence[]
  readonly slots: readonly Slot[]
  /**
   * When each tenant last got a slot, or else came, as a count of admissions; tenants without sequences are
   * forgotten. Who comes anew is not served before those who have waited since.
   */
  readonly lastAdmission: ReadonlyMap<string, number>
  readonly admissions: number
  /** How many sequences have lost their slot so far. */
  readonly preemptions: number
}
