/** How long the last answers took: the 95th percentile says when a request is slow enough to be asked of a second worker. */

const size = 128
/** Fewer say nothing. */
const enough = 20

export class LatencyWindow {
  readonly #samples: number[] = []
  #next = 0

  add(milliseconds: number): void {
    this.#samples[this.#next] = milliseconds
    this.#next = (this.#next + 1) % size
  }

  /** Milliseconds within which 95 of 100 answered; null while too few have. */
  slowest5Percent(): number | null {
    if (this.#samples.length < enough) return null
    const sorted = this.#samples.toSorted((a, b) => a - b)
    return sorted[Math.floor(sorted.length * 0.95)]!
  }
}
