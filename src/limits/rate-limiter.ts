/** Counts what tenants use, in one process; Durable Objects and Redis do it for many. */
import {
  freshUsage,
  type RateLimits,
  reserve,
  settle,
  type UsageState,
  type Verdict,
} from './tenant-usage.ts'

/** A request that asks to be let in. */
export interface Reservation {
  id: string
  /** What its size lets expect. */
  audioSeconds: number
}

export interface RateLimiter {
  reserve(tenant: string, limits: RateLimits, reservation: Reservation): Promise<Verdict>
  /** The request has ended; `audioSeconds` null where nobody knows how long its audio was. */
  settle(tenant: string, limits: RateLimits, id: string, audioSeconds: number | null): Promise<void>
}

/** For a server that is one process: gone when it ends. */
export class InProcessRateLimiter implements RateLimiter {
  readonly #now: () => number
  readonly #usage = new Map<string, UsageState>()

  /** @param now milliseconds since some fixed moment */
  constructor(now: () => number) {
    this.#now = now
  }

  async reserve(tenant: string, limits: RateLimits, reservation: Reservation): Promise<Verdict> {
    const before = this.#usage.get(tenant) ?? freshUsage
    const { state, verdict } = reserve(before, limits, reservation, this.#now())
    this.#usage.set(tenant, state)
    return verdict
  }

  async settle(tenant: string, limits: RateLimits, id: string, audioSeconds: number | null): Promise<void> {
    const before = this.#usage.get(tenant) ?? freshUsage
    this.#usage.set(tenant, settle(before, limits, id, audioSeconds, this.#now()))
  }
}
