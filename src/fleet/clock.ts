/** Time, as far as the fleet needs it; tests bring their own. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number
  /** A signal that aborts after so many milliseconds. */
  timeout(milliseconds: number): AbortSignal
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  timeout: milliseconds => AbortSignal.timeout(milliseconds),
}
