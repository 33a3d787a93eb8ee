/**
 * Sequences of the simulation: made at random, and each with the one answer that it can get. The "model" gives
 * every position a key, a hash of all that the position depends on; a token follows from the key before it.
 */
import type { Random } from '../../sampling/random.ts'
import type { PromptContent } from '../prefix-cache.ts'
import { type NewSequence, PRIORITIES, type SequenceEnd } from '../sequence.ts'

/** A sequence that the world follows. */
export interface SimulatedSequence extends NewSequence {
  readonly submittedStep: number
  /** The answer so far, what was given included. */
  readonly received: number[]
  /** Of the positions that were asked for so far; see `keyAt`. */
  readonly keys: number[]
  end: SequenceEnd | 'cancelled' | null
}

/** What a random sequence is drawn from. */
export interface SequenceRanges {
  /** At most. */
  readonly promptLength: number
  readonly maxTokens: number
  /** The part of all that has high priority. */
  readonly urgentRate: number
  /** The part of all that is scored: others go on behind the same prompt. */
  readonly forkRate: number
}

const VOCABULARY = 50
const TENANTS = ['a', 'b', 'c']

/** Few prompts to choose from, cut and changed at random: prefixes in common of all lengths. */
export function randomSequence(
  id: string,
  nowStep: number,
  random: Random,
  { promptLength, maxTokens, urgentRate, forkRate }: SequenceRanges,
): SimulatedSequence {
  const below = (limit: number) => Math.floor(random() * limit)
  const length = 1 + below(promptLength)
  const family = below(4)
  const changedAt = below(length * 2)
  const ids = Array.from({ length }, (_, position) =>
    position >= changedAt ? family + position + 7 : family + position,
  )
  const spanStart = below(length * 3)
  const span = { start: spanStart, end: Math.min(length, spanStart + 5), contentHash: `h${below(2)}` }
  const checkpoint = below(3) === 0 ? 'tuned' : null
  const tenant = TENANTS[below(TENANTS.length)]!
  const sequence: SimulatedSequence = {
    id,
    tenant,
    priority: random() < urgentRate ? PRIORITIES[0] : PRIORITIES[1 + below(2)]!,
    checkpoint,
    prompt: {
      scope: `${tenant} ${checkpoint}`,
      ids,
      spans: spanStart < length ? [span] : [],
      shareable: below(4) === 0 ? below(length + 1) : length,
    },
    family: random() < forkRate ? `family of ${id}` : id,
    tokens: [],
    sources: [],
    maxTokens: 1 + below(maxTokens),
    stopIds: new Set([below(VOCABULARY)]),
    admitByMs: below(4) === 0 ? nowStep + below(30) : null,
    deadlineMs: below(6) === 0 ? nowStep + below(60) : null,
    submittedStep: nowStep,
    received: [],
    keys: [],
    end: null,
  }
  return { ...sequence, sources: [ids, answerOf(sequence, random)] }
}

/** The answer that it can get, here and there something else in it. */
function answerOf(sequence: SimulatedSequence, random: Random): number[] {
  const alone: SimulatedSequence = { ...sequence, received: [], keys: [] }
  const { ids } = sequence.prompt
  while (alone.received.length < sequence.maxTokens) {
    alone.received.push(tokenAfter(alone, ids.length - 1 + alone.received.length))
  }
  return alone.received.map(token => (random() < 0.1 ? token + 1 : token))
}

/** One of the same family, which goes on behind a given answer; few answers to choose from, so that some begin alike. */
export function randomFork(
  id: string,
  of: SimulatedSequence,
  random: Random,
  { maxTokens }: SequenceRanges,
): SimulatedSequence {
  const below = (limit: number) => Math.floor(random() * limit)
  const tokens = Array.from({ length: 1 + below(4) }, () => below(2))
  const length = tokens.length + 1 + below(maxTokens)
  return { ...of, id, tokens, maxTokens: length, admitByMs: null, received: [...tokens], keys: [], end: null }
}

/** The key that belongs at a position: a hash of everything before it, the tokens received so far included. */
export function keyAt(sequence: SimulatedSequence, position: number): number {
  const { prompt, received, keys } = sequence
  const promptLength = prompt.ids.length
  for (let next = keys.length; next <= position; next++) {
    let key = mix(keys[next - 1] ?? hashText(prompt.scope), next)
    if (next >= promptLength) {
      // Decoding rounds otherwise than prefill: its keys are no good in a prompt.
      key = mix(mix(key, received[next - promptLength]!), -1)
    } else {
      key = mix(mix(key, prompt.ids[next]!), spanHash(prompt, next))
      // Embeddings that nobody vouches for are this family's own.
      if (next >= prompt.shareable) key = mix(key, hashText(sequence.family))
    }
    keys.push(key)
  }
  return keys[position]!
}

/** The token that is sampled once `position` is computed. */
export function tokenAfter(sequence: SimulatedSequence, position: number): number {
  return keyAt(sequence, position) % VOCABULARY
}

function spanHash({ spans }: PromptContent, position: number): number {
  const span = spans.find(({ start, end }) => start <= position && position < end)
  return span === undefined ? 0 : mix(hashText(span.contentHash), position - span.start)
}

function hashText(text: string): number {
  let value = 0
  for (let index = 0; index < text.length; index++) value = mix(value, text.charCodeAt(index))
  return value
}

/** The finalizer of MurmurHash3, over a value and what goes into it. */
function mix(value: number, next: number): number {
  let mixed = Math.imul(value ^ Math.imul(next + 1, 0x9e3779b1), 0x85ebca6b)
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
  return (mixed ^ (mixed >>> 16)) >>> 0
}
