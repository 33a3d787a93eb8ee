/**
 * Watches streamed text for stop strings, across the borders of tokens. Text that might be the beginning of a
 * stop string is held back until it is clear that it isn't.
 */
export class StopStrings {
  readonly #stops: readonly string[]
  #held = ''

  constructor(stops: readonly string[]) {
    this.#stops = stops.filter(stop => stop.length > 0)
  }

  /** Takes more text; gives what may be shown, and whether a stop string was met (it is not shown). */
  push(text: string): { text: string; stopped: boolean } {
    this.#held += text
    let first = -1
    for (const stop of this.#stops) {
      const at = this.#held.indexOf(stop)
      if (at >= 0 && (first < 0 || at < first)) first = at
    }
    if (first >= 0) return { text: this.#take(first), stopped: true }
    return { text: this.#take(this.#held.length - this.#pendingLength()), stopped: false }
  }

  /** What was held back, once the stream has ended without a stop string. */
  flush(): string {
    return this.#take(this.#held.length)
  }

  #take(length: number): string {
    const taken = this.#held.slice(0, length)
    this.#held = this.#held.slice(length)
    return taken
  }

  /** Length of the longest suffix of the held text that begins a stop string. */
  #pendingLength(): number {
    let longest = 0
    for (const stop of this.#stops) {
      for (let length = Math.min(stop.length - 1, this.#held.length); length > longest; length--) {
        if (stop.startsWith(this.#held.slice(this.#held.length - length))) {
          longest = length
          break
        }
      }
    }
    return longest
  }
}
