/**
 * How many requests may be sent a second time (Finagle's RetryBudget): a fifth of those that came, and ten a second
 * beside, so that a fleet in trouble isn't sent more than it can bear by those who try again.
 */

/** How much may be retried. */
export interface RetryBudgetOptions {
  /** Retries that each request pays for. */
  perRequest: number
  /** Retries a second that are free. */
  perSecond: number
  /** Most retries that are saved up. */
  most: number
}

export const defaultRetryBudget: RetryBudgetOptions = { perRequest: 0.2, perSecond: 10, most: 100 }

/** One budget an edge process or isolate. Time is passed in, in milliseconds. */
export class RetryBudget {
  readonly #options: RetryBudgetOptions
  #saved = 0
  #free: number
  /** No time has passed before the first retry. */
  #freeAtMs = Number.POSITIVE_INFINITY

  constructor(options: RetryBudgetOptions = defaultRetryBudget) {
    this.#options = options
    this.#free = options.perSecond
  }

  /** A request has come. */
  deposit(): void {
    this.#saved = Math.min(this.#options.most, this.#saved + this.#options.perRequest)
  }

  /** Whether one more may be sent again; pays for it. */
  withdraw(nowMs: number): boolean {
    const { perSecond } = this.#options
    const passed = Math.max(0, nowMs - this.#freeAtMs) / 1000
    this.#free = Math.min(perSecond, this.#free + passed * perSecond)
    this.#freeAtMs = nowMs
    // A fifth of five requests is one retry, whatever binary fractions make of it.
    if (this.#saved >= 1 - 1e-9) {
      this.#saved -= 1
      return true
    }
    if (this.#free < 1) return false
    this.#free -= 1
    return true
  }
}
