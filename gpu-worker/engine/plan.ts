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
  /** Whether the prompt ends with this chunk: then a token is sampled. */
  readonly last: boolean
}

/** Computes the last token of one sequence's answer, and samples the next. */
export interface DecodeRow {
  readonly id: string
  readonly checkpoint: string | null
  readonly slot: number
  /** The token that goes in. */
  readonly token: number
  /** Where it goes: how many positions of the slot are valid before it. */
  readonly position: number
}

/** Moves first, in their order; then decodes and prefills. */
export interface Plan {
  readonly moves: readonly SlotMove[]
  /** Ascending by slot. */
  readonly decodes: readonly DecodeRow[]
  readonly prefills: readonly PrefillChunk[]
  /** [slots] positions of each slot that hold something of worth after the moves; garbage may go behind. */
  readonly slotLengths: readonly number[]
}

/** What became of one sequence's part of a plan. */
export type Outcome =
  /** The chunk is computed and wasn't the last. */
  | { readonly kind: 'computed' }
  /** A token was sampled. */
  | { readonly kind: 'token'; readonly token: number }
  /** The run that it was part of failed; the slot's new positions hold nothing of worth. */
  | { readonly kind: 'failed' }
