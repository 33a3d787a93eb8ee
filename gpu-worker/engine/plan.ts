/** One step of the engine, as the scheduler wants it and as the model runner carries it out. */

/** Copies the keys and values of the first `positions` of a slot into another, or swaps those of the two. */
export interface SlotMove {
  readonly kind: 'copy' | 'swap'
  readonly from: number
  readonly to: number
  readonly positions: number
}

/** Computes `count` prompt positions of one sequence, from `start` on. */
export interface PrefillChunk {
  readonly id: string
  readonly checkpoint: string | null
  readonly slot: number
  readonly start: number
  readonly count: number
  /** Whether a token is sampled: when the prompt ends here and nothing follows it yet. */
  readonly samples: boolean
}

/** Computes one token of one sequence's answer: the last, or, after a preemption, an earlier one once more. */
export interface DecodeRow {
  readonly id: string
  readonly checkpoint: string | null
  readonly slot: number
  /** The token that goes in. */
  readonly token: number
  /** Where it goes: how many positions of the slot are valid before it. */
  readonly position: number
  /** Whether the next token is sampled: not when it is known already. */
  readonly samples: boolean
  /** What may come next: computed behind `token`, in the hope that it is sampled. Only where it is the only row. */
  readonly drafts: readonly number[]
}

/** Moves first, in their order; then decodes and prefills. */
export interface Plan {
  readonly moves: readonly SlotMove[]
  /** Ascending by slot. */
  readonly decodes: readonly DecodeRow[]
  readonly prefills: readonly PrefillChunk[]
  /**
   * [slots] positions of each slot that hold something of worth after the moves; garbage may go behind. With what
   * the plan computes they sum up to `kvPositions` at most.
   */
  readonly slotLengths: readonly number[]
}

/** What became of one sequence's part of a plan. */
export type Outcome =
  /** The chunk or token is computed; it samples nothing. */
  | { readonly kind: 'computed' }
  /** A token was sampled; more than one where drafts came true: then each but the last is the draft in its place. */
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] }
  /** The run that it was part of failed; the slot's new positions hold nothing of worth. */
  | { readonly kind: 'failed' }
