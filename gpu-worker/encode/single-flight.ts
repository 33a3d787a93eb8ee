/** The same work asked for several times at once is done once. */

interface Flight<T> {
  readonly result: Promise<T>
  readonly stop: AbortController
  waiters: number
}

/**
 * Work under way, by key. Whoever asks for what is under way waits for it; one who aborts only stops waiting;
 * when all have, the work itself is aborted. Results aren't kept: that is a cache's.
 */
export class SingleFlight<T> {
  readonly #flights = new Map<string, Flight<T>>()

  /** How much is under way. */
  get size(): number {
    return this.#flights.size
  }

  /**
   * Joins the work of that key, or begins it.
   * @param signal ends the caller's wait
   * @param work its signal aborts when nobody waits any more
   */
  run(key: string, signal: AbortSignal, work: (signal: AbortSignal) => Promise<T>): Promise<T> {
    return this.join(key, signal) ?? this.#wait(key, this.#begin(key, work), signal)
  }

  /** Waits for the work of that key; null when none is under way. */
  join(key: string, signal: AbortSignal): Promise<T> | null {
    const flight = this.#flights.get(key)
    return flight === undefined ? null : this.#wait(key, flight, signal)
  }

  #begin(key: string, work: (signal: AbortSignal) => Promise<T>): Flight<T> {
    const stop = new AbortController()
    // In a turn of its own, so that work that throws at once fails like any other.
    const result = Promise.resolve().then(() => work(stop.signal))
    const flight: Flight<T> = { result, stop, waiters: 0 }
    this.#flights.set(key, flight)
    const forget = () => this.#forget(key, flight)
    result.then(forget, forget)
    return flight
  }

  async #wait(key: string, flight: Flight<T>, signal: AbortSignal): Promise<T> {
    const { promise: left, reject } = Promise.withResolvers<never>()
    const onAbort = () => reject(signal.reason)
    flight.waiters++
    signal.addEventListener('abort', onAbort, { once: true })
    try {
      if (signal.aborted) onAbort()
      return await Promise.race([flight.result, left])
    } finally {
      signal.removeEventListener('abort', onAbort)
      if (--flight.waiters === 0) {
        // Whoever comes now begins anew instead of joining what is being given up.
        this.#forget(key, flight)
        flight.stop.abort(signal.reason)
      }
    }
  }

  #forget(key: string, flight: Flight<T>): void {
    if (this.#flights.get(key) === flight) this.#flights.delete(key)
  }
}
