/**
 * Passive health (Envoy's outlier detection): a worker that fails five times in a row is left alone for a while, longer
 * each time, and then gets a single request to prove itself. Pure: time is passed in, in milliseconds.
 */

/** When a worker is left alone, and for how long. */
export interface EjectionOptions {
  /** Failures in a row. */
  failures: number
  /** The first time; the second time twice as long, and so on. */
  baseMs: number
  longestMs: number
}

/** As Envoy's `consecutive_5xx`, `base_ejection_time` and `max_ejection_time`. */
export const defaultEjection: EjectionOptions = { failures: 5, baseMs: 30_000, longestMs: 300_000 }

/** What may be sent to a worker now. */
export type Standing =
  | { kind: 'trusted' }
  /** Its time is over: one request at a time, until one succeeds. */
  | { kind: 'on-trial' }
  | { kind: 'ejected'; untilMs: number }

const trusted: Standing = { kind: 'trusted' }

/** What is known of one worker's failures. */
export class Ejection {
  readonly #options: EjectionOptions
  #failuresInARow = 0
  #ejections = 0
  #standing: Standing = trusted

  constructor(options: EjectionOptions = defaultEjection) {
    this.#options = options
  }

  standing(nowMs: number): Standing {
    if (this.#standing.kind === 'ejected' && nowMs >= this.#standing.untilMs) {
      this.#standing = { kind: 'on-trial' }
    }
    return this.#standing
  }

  succeeded(): void {
    this.#failuresInARow = 0
    // One that was ejected is forgiven by answering once, and a little more by each answer after that.
    if (this.#standing.kind === 'on-trial') this.#standing = trusted
    else if (this.#standing.kind === 'trusted') this.#ejections = Math.max(0, this.#ejections - 0.01)
  }

  failed(nowMs: number): void {
    this.#failuresInARow++
    const standing = this.standing(nowMs)
    if (standing.kind === 'ejected') return
    if (standing.kind === 'trusted' && this.#failuresInARow < this.#options.failures) return
    const { baseMs, longestMs } = this.#options
    this.#ejections++
    const untilMs = nowMs + Math.min(longestMs, baseMs * Math.ceil(this.#ejections))
    this.#standing = { kind: 'ejected', untilMs }
  }
}
