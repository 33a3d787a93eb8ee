/** What the scheduler knows: the state that goes through its pure functions. */
import type { HeldContent } from './prefix-cache.ts'
import type { RunningSequence, WaitingSequence } from './sequence.ts'

/** The bounds that the scheduler keeps. */
export interface SchedulerConfig {
  readonly slots: number
  /** Positions of a slot, prompt and answer together. */
  readonly slotCapacity: number
  readonly maxWaiting: number
  /** Prompt positions a step while others decode; at least 3, see `planPrefills`. */
  readonly prefillBudget: number
  /** Prompt positions a step while nobody decodes; at least 3. */
  readonly prefillBudgetIdle: number
  /** A shorter common prefix isn't worth copying or waiting for. */
  readonly minimumReuse: number
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
  /** When each tenant last got a slot, as a count of admissions; tenants without sequences are forgotten. */
  readonly lastAdmission: ReadonlyMap<string, number>
  readonly admissions: number
}
