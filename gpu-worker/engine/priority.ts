/**
 * Who comes before whom. Pure, as the scheduler that it is part of.
 *
 * - Priority: the higher one is served first. Whoever waits `agingMs` counts as of the next higher one, so
 *   nobody is passed over for ever.
 * - Fairness: within a priority a free slot goes to the tenant with the fewest running sequences, to the one that
 *   was served longest ago among equals; within a tenant whoever came first is first.
 */
import type { SchedulerState } from './scheduler-state.ts'
import { PRIORITIES, type RunningSequence, type WaitingSequence } from './sequence.ts'

/** 0 for the highest priority; falls with time. */
export function urgency(state: SchedulerState, sequence: WaitingSequence, nowMs: number): number {
  const steps = Math.floor((nowMs - sequence.submittedMs) / state.config.agingMs)
  return Math.max(0, PRIORITIES.indexOf(sequence.priority) - steps)
}

/** Who of those that wait is served next. */
export function nextInTurn(
  state: SchedulerState,
  ready: readonly WaitingSequence[],
  nowMs: number,
): WaitingSequence {
  const runningOf = new Map<string, number>()
  for (const { tenant } of state.running) runningOf.set(tenant, (runningOf.get(tenant) ?? 0) + 1)
  return first(ready, sequence => [
    urgency(state, sequence, nowMs),
    runningOf.get(sequence.tenant) ?? 0,
    state.lastAdmission.get(sequence.tenant)!,
    sequence.arrival,
  ])
}

/**
 * Who of those that wait is refused first: the least urgent, of the tenant that has most waiting, the youngest of
 * these; `null` when all have begun to answer.
 */
export function lastInTurn(state: SchedulerState, nowMs: number): WaitingSequence | null {
  const fresh = state.waiting.filter(isFresh)
  if (fresh.length === 0) return null
  const waitingOf = new Map<string, number>()
  for (const { tenant } of fresh) waitingOf.set(tenant, (waitingOf.get(tenant) ?? 0) + 1)
  return first(fresh, sequence => [
    -urgency(state, sequence, nowMs),
    -waitingOf.get(sequence.tenant)!,
    -sequence.arrival,
  ])
}

/** Whether a sequence that waits has had nothing yet; one that goes on behind a given answer is a part of one that had. */
export function isFresh({ preemptions, tokens }: WaitingSequence): boolean {
  return preemptions === 0 && tokens.length === 0
}

/** Who of those that run loses its slot first: the least urgent, the youngest of these. */
export function firstToYield(
  state: SchedulerState,
  running: readonly RunningSequence[],
  nowMs: number,
): RunningSequence {
  return first(running, sequence => [-urgency(state, sequence, nowMs), -sequence.arrival])
}

/** Compares lists of numbers place by place. */
export function isLess(a: readonly number[], b: readonly number[]): boolean {
  const place = a.findIndex((value, index) => value !== b[index])
  return place >= 0 && a[place]! < b[place]!
}

/** @throws TypeError for no items */
function first<T>(items: readonly T[], rankOf: (item: T) => readonly number[]): T {
  return items
    .map(item => ({ item, rank: rankOf(item) }))
    .reduce((best, candidate) => (isLess(candidate.rank, best.rank) ? candidate : best)).item
}
