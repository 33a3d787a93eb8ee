/** Time that passes only from event to event, and randomness that a seed replays. */
import type { Clock } from '../clock.ts'

/** Runs what is due, in order of time, then of when it was asked for. */
export class VirtualTime implements Clock {
  #nowMs = 0
  #sequence = 0
  readonly #queue: { atMs: number; sequence: number; action: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + Math.max(0, milliseconds), sequence: this.#sequence++, action }
    const later = this.#queue.findIndex(({ atMs }) => atMs > timer.atMs)
    this.#queue.splice(later < 0 ? this.#queue.length : later, 0, timer)
    return () => {
      const index = this.#queue.indexOf(timer)
      if (index >= 0) this.#queue.splice(index, 1)
    }
  }

  /** Lets time pass until nothing is to be done any more, or `isOver`. */
  async run(isOver: () => boolean): Promise<void> {
    await settle()
    while (!isOver()) {
      const next = this.#queue.shift()
      if (next === undefined) return
      this.#nowMs = next.atMs
      next.action()
      await settle()
    }
  }
}

/** Lets everything happen that needs no time: promises and streams, all of which are done when a macrotask comes. */
function settle(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve))
}

/** Draws of one seed. */
export class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** In [0, 1) (mulberry32). */
  roll(): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.roll() * (high - low + 1))
  }

  chance(probability: number): boolean {
    return this.roll() < probability
  }

  pick<T>(items: readonly T[]): T {
    return items[Math.floor(this.roll() * items.length)]!
  }
}
