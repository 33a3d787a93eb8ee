/**
 * Which keys and values a slot holds, and how many of them a sequence may take over. Comparison is exact, id
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

/** The keys and values in a slot: of the first `length` positions of a sequence, its answer behind its prompt. */
export interface HeldContent {
  readonly prompt: PromptContent
  readonly tokens: readonly number[]
  readonly length: number
  /** Of the sequence that computed them, or took them over. */
  readonly family: string
}

/** Who might take them over. */
export interface ContentTaker {
  readonly prompt: PromptContent
  readonly family: string
  /** The answer so far: of a sequence that was preempted, or begins behind a given one. */
  readonly tokens: readonly number[]
}

/**
 * Positions of a prompt that are always computed anew. The last one gives the logits; and a run of a single
 * position takes other kernels than a longer one, whose sums are rounded otherwise (see `planPrefills`): two are
 * the least.
 */
const NEVER_REUSED = 2

/**
 * How many positions of `held` are also the first of the taker's.
 *
 * Between sequences only prompts are shared, not the answers behind them: those were computed one position at a
 * time, so what follows would come out a rounding error away from what it is without the cache. A family's answers
 * are all computed so, and a sequence that was preempted is its own family.
 */
export function reusablePositions(held: HeldContent, taker: ContentTaker): number {
  const { prompt, tokens } = taker
  const promptLength = prompt.ids.length
  const common = held.family === taker.family ? commonAnswer(held, taker) : commonPrefix(held, prompt)
  // Its first token is known already: the prompt's logits are of no use any more.
  if (tokens.length > 0 && common >= promptLength) return common
  return Math.max(0, Math.min(common, promptLength - NEVER_REUSED))
}

/** The last token that is known goes in anew: what follows it is asked for. */
function commonAnswer(held: HeldContent, { prompt, tokens }: ContentTaker): number {
  const promptLength = prompt.ids.length
  const limit = Math.min(held.length - promptLength, held.tokens.length, tokens.length - 1)
  return limit <= 0 ? Math.min(held.length, promptLength) : promptLength + sameIds(held.tokens, tokens, limit)
}

function commonPrefix(held: HeldContent, prompt: PromptContent): number {
  if (held.prompt.scope !== prompt.scope) return 0
  const limit = Math.min(held.length, held.prompt.shareable, prompt.shareable)
  return sameSpans(held.prompt.spans, prompt.spans, sameIds(held.prompt.ids, prompt.ids, limit))
}

function sameIds(a: ArrayLike<number>, b: ArrayLike<number>, limit: number): number {
  for (let position = 0; position < limit; position++) if (a[position] !== b[position]) return position
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
