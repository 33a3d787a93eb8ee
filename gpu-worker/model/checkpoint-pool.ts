/**
 * Checkpoints that are loaded when they are first asked for, and kept: of those that nobody holds the ones that were asked
 * for longest ago go, so that there are no more than a number of them.
 */

/** A checkpoint that stays loaded until this is disposed of. */
export interface Held<T> extends Disposable {
  readonly value: T
}

/** How checkpoints come and go. */
export interface PoolOptions<T> {
  load(name: string): Promise<T>
  unload(value: T): Promise<void>
  /** How many are kept; those that are held are never unloaded, and may be more. */
  most: number
}

interface Entry<T> {
  readonly loading: Promise<T>
  value: T | null
  holders: number
}

/** @see file comment */
export class CheckpointPool<T extends object> {
  readonly #options: PoolOptions<T>
  /** By use, the latest last. */
  readonly #entries = new Map<string, Entry<T>>()

  constructor(options: PoolOptions<T>) {
    this.#options = options
  }

  /** The names of those that are loaded, or just being. */
  get names(): string[] {
    return [...this.#entries.keys()]
  }

  /** Waits until it is there. Whoever asks for one that is just being loaded waits with the others. @throws what loading throws */
  async hold(name: string): Promise<Held<T>> {
    const entry = this.#entries.get(name) ?? { loading: this.#options.load(name), value: null, holders: 0 }
    this.#entries.delete(name)
    this.#entries.set(name, entry)
    entry.holders++
    try {
      entry.value = await entry.loading
    } catch (error) {
      if (this.#entries.get(name) === entry) this.#entries.delete(name)
      throw error
    }
    this.#trim()
    let isHeld = true
    return {
      value: entry.value,
      [Symbol.dispose]: () => {
        if (isHeld) entry.holders--
        isHeld = false
        this.#trim()
      },
    }
  }

  /** One that is held. @throws RangeError for any other */
  get(name: string): T {
    const value = this.#entries.get(name)?.value
    if (!value) throw new RangeError(`The checkpoint '${name}' is not loaded.`)
    return value
  }

  /** Unloads all. */
  async close(): Promise<void> {
    const entries = [...this.#entries.values()]
    this.#entries.clear()
    await Promise.all(entries.map(async ({ loading }) => this.#options.unload(await loading)))
  }

  #trim(): void {
    for (const [name, { value, holders }] of this.#entries) {
      if (this.#entries.size <= this.#options.most) return
      if (holders > 0 || value === null) continue
      this.#entries.delete(name)
      void this.#options.unload(value)
    }
  }
}
