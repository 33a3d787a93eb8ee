/**
 * Which keys and values a slot holds, and how many of them a new prompt may take over. Comparison is exact, id
 * by id and hash by hash: no request can be made to read another's keys through a collision.
 */
import type { PromptSpan } from './types.ts'

/** All that the keys and values of a prompt's positions depend on. */
export interface PromptContent {
  /** Tenant and checkpoint: nothing is shared across either. */
  readonly scope: string
  readonly ids: ArrayLike<number>
  readonly spans: readonly PromptSpan[]
  /** Positions from here on are never shared: what their embeddings depend on isn't known. */
  readonly shareable: number
}

/** The keys and values in a slot: of a prompt, then of an answer's tokens, `length` positions together. */
export interface HeldContent {
  readonly prompt: PromptContent
  readonly tokens: readonly number[]
  readonly length: number
}

/**
 * How many positions of `held` are also the first of `prompt`. One less than the prompt at most: the last
 * position has to be computed, it gives the logits.
 */
export function reusablePositions(held: HeldContent, prompt: PromptContent): number {
  if (held.prompt.scope !== prompt.scope) return 0
  const heldShareable = held.prompt.shareable < held.prompt.ids.length ? held.prompt.shareable : held.length
  const limit = Math.min(held.length, heldShareable, prompt.shareable, prompt.ids.length - 1)
  return Math.max(0, sameSpans(held.prompt.spans, prompt.spans, sameIds(held, prompt, limit)))
}

function sameIds(held: HeldContent, prompt: PromptContent, limit: number): number {
  const promptLength = held.prompt.ids.length
  for (let position = 0; position < limit; position++) {
    const id = position < promptLength ? held.prompt.ids[position] : held.tokens[position - promptLength]
    if (id !== prompt.ids[position]) return position
  }
  return limit
}

/** Cuts `limit` to the start of the first span that the two don't have in common. */
function sameSpans(a: readonly PromptSpan[], b: readonly PromptSpan[], limit: number): number {
  for (let index = 0; index < Math.max(a.length, b.length); index++) {
    const [left, right] = [a[index], b[index]]
    const start = Math.min(left?.start ?? Infinity, right?.start ?? Infinity)
    if (start >= limit) return limit
    const same =
      left?.start === right?.start && left?.end === right?.end && left?.contentHash === right?.contentHash
    if (!same) return start
  }
  return limit
}
