/**
 * What a tenant has used of its limits, and whether one more request fits. Pure; a Durable Object, a process or Redis
 * keeps the state, which is plain JSON.
 *
 * How long a recording is shows only when the worker has decoded it. So a request takes what its size lets expect,
 * and when it has ended that is settled with what it was. Requests that run at once may so take more than there is:
 * the debt is paid before the next one is let in.
 */
import { type Bucket, type Rate, refill, take, waitMs } from './token-bucket.ts'

/** Limits of one tenant; null: none. */
export interface RateLimits {
  requestsPerMinute: number | null
  requestsPerDay: number | null
  audioSecondsPerMinute: number | null
  audioSecondsPerDay: number | null
  concurrentRequests: number | null
}

export type LimitName = keyof RateLimits

export interface UsageState {
  buckets: Partial<Record<LimitName, Bucket>>
  /** Requests that are being answered, by their ids. One that never ends is forgotten. */
  running: Record<string, { audioSeconds: number; forgetAtMs: number }>
}

/** How one kind of unit stands: the limit that is nearest to being reached. */
export interface Standing {
  limit: number
  remaining: number
  /** Until all of it is there again. */
  resetMs: number
}

export interface Verdict {
  /** Which limit refuses the request, and for how long; null: it is let in. */
  refused: { limit: LimitName; retryAfterMs: number } | null
  requests: Standing | null
  audioSeconds: Standing | null
}

export const freshUsage: UsageState = { buckets: {}, running: {} }

/** A request whose end nobody told of no longer counts as running. */
const forgetAfterMs = 15 * 60_000
/** When to come back where the limit is how many run at once. */
const concurrentRetryMs = 1_000

const minuteMs = 60_000
const dayMs = 86_400_000
const periods = {
  requestsPerMinute: minuteMs,
  requestsPerDay: dayMs,
  audioSecondsPerMinute: minuteMs,
  audioSecondsPerDay: dayMs,
} as const
type BucketName = keyof typeof periods
const requestBuckets = ['requestsPerMinute', 'requestsPerDay'] as const
const audioBuckets = ['audioSecondsPerMinute', 'audioSecondsPerDay'] as const
const allBuckets = [...requestBuckets, ...audioBuckets]

/** Lets a request in or refuses it; a refused one takes nothing. */
export function reserve(
  before: UsageState,
  limits: RateLimits,
  request: { id: string; audioSeconds: number },
  nowMs: number,
): { state: UsageState; verdict: Verdict } {
  const state = refilled(before, limits, nowMs)
  const refused = refusal(state, limits, request.audioSeconds)
  if (refused === null) {
    takeFrom(state, limits, requestBuckets, 1)
    takeFrom(state, limits, audioBuckets, request.audioSeconds)
    state.running[request.id] = { audioSeconds: request.audioSeconds, forgetAtMs: nowMs + forgetAfterMs }
  }
  const verdict: Verdict = {
    refused,
    requests: standing(state, limits, requestBuckets),
    audioSeconds: standing(state, limits, audioBuckets),
  }
  return { state, verdict }
}

/**
 * A request has ended. Settling twice, or one that is forgotten, changes nothing.
 * @param audioSeconds what it was; null where nobody knows: then what was reserved stands
 */
export function settle(
  before: UsageState,
  limits: RateLimits,
  id: string,
  audioSeconds: number | null,
  nowMs: number,
): UsageState {
  const state = refilled(before, limits, nowMs)
  const reserved = state.running[id]
  if (reserved === undefined) return state
  delete state.running[id]
  if (audioSeconds !== null) takeFrom(state, limits, audioBuckets, audioSeconds - reserved.audioSeconds)
  return state
}

function refilled(before: UsageState, limits: RateLimits, nowMs: number): UsageState {
  const buckets: UsageState['buckets'] = {}
  for (const name of allBuckets) {
    const rate = rateOf(limits, name)
    if (rate !== null) buckets[name] = refill(before.buckets[name], rate, nowMs)
  }
  const running = Object.entries(before.running).filter(([, { forgetAtMs }]) => forgetAtMs > nowMs)
  return { buckets, running: Object.fromEntries(running) }
}

function refusal(state: UsageState, limits: RateLimits, audioSeconds: number): Verdict['refused'] {
  const waits = allBuckets.map(name => {
    const rate = rateOf(limits, name)
    if (rate === null) return { limit: name, retryAfterMs: 0 }
    const isAudio = name.startsWith('audio')
    const bucket = state.buckets[name]!
    // Whoever owes audio waits, whatever they ask: a request doesn't show how much audio it refers to.
    return { limit: name, retryAfterMs: waitMs(bucket, rate, isAudio ? Math.max(audioSeconds, 1e-3) : 1) }
  })
  const longest = waits.reduce((a, b) => (b.retryAfterMs > a.retryAfterMs ? b : a))
  if (longest.retryAfterMs > 0) return longest
  const { concurrentRequests } = limits
  if (concurrentRequests !== null && Object.keys(state.running).length >= concurrentRequests) {
    return { limit: 'concurrentRequests', retryAfterMs: concurrentRetryMs }
  }
  return null
}

function takeFrom(state: UsageState, limits: RateLimits, names: readonly BucketName[], units: number): void {
  for (const name of names) {
    const rate = rateOf(limits, name)
    if (rate !== null) state.buckets[name] = take(state.buckets[name]!, rate, units)
  }
}

function standing(state: UsageState, limits: RateLimits, names: readonly BucketName[]): Standing | null {
  let nearest: Standing | null = null
  for (const name of names) {
    const rate = rateOf(limits, name)
    if (rate === null) continue
    const bucket = state.buckets[name]!
    const remaining = Math.max(0, Math.floor(bucket.level))
    if (nearest !== null && remaining / rate.capacity >= nearest.remaining / nearest.limit) continue
    nearest = { limit: rate.capacity, remaining, resetMs: waitMs(bucket, rate, rate.capacity) }
  }
  return nearest
}

function rateOf(limits: RateLimits, name: BucketName): Rate | null {
  const capacity = limits[name]
  return capacity === null ? null : { capacity, periodMs: periods[name] }
}
