/** Whose window is encoded next. Pure: who waits and who was served goes in, one of those who wait comes out. */
import type { Priority } from '../engine/types.ts'

/** A window that waits to be encoded. */
export interface WaitingTurn {
  readonly tenant: string
  readonly priority: Priority
  /** Counts up: who came first. */
  readonly arrival: number
  /** How many turns had been given when it came. */
  readonly givenBefore: number
}

/** What the order depends on besides those who wait. */
export interface TurnHistory {
  /** Turns given so far. */
  readonly given: number
  /** Windows of each tenant that are being encoded now. */
  readonly runningOf: ReadonlyMap<string, number>
  /** The number of the turn that each tenant was given last. */
  readonly lastTurnOf: ReadonlyMap<string, number>
}

/** Whoever was passed by so often counts as one priority higher, again and again: nobody waits for ever. */
export const PATIENCE_TURNS = 8

const RANK: Readonly<Record<Priority, number>> = { high: 0, normal: 1, low: 2 }

/**
 * The next in turn: the highest priority first; among equals the tenant with the fewest windows under way, then
 * the one that was served longest ago; within a tenant whoever came first.
 * @param waiting at least one
 */
export function nextTurn<T extends WaitingTurn>(waiting: readonly T[], history: TurnHistory): T {
  const rank = ({ tenant, priority, arrival, givenBefore }: WaitingTurn) => [
    RANK[priority] - Math.floor((history.given - givenBefore) / PATIENCE_TURNS),
    history.runningOf.get(tenant) ?? 0,
    history.lastTurnOf.get(tenant) ?? -1,
    arrival,
  ]
  return waiting.reduce((best, candidate) => (isLess(rank(candidate), rank(best)) ? candidate : best))
}

/** Compares lists of numbers place by place. */
function isLess(a: readonly number[], b: readonly number[]): boolean {
  const place = a.findIndex((value, index) => value !== b[index])
  return place >= 0 && a[place]! < b[place]!
}
