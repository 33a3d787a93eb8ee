/** A queue between one writer and one reader: written at once, read by `for await`. */
export class EventStream<T> implements AsyncIterable<T> {
  readonly #items: T[] = []
  #closed: { readonly error: unknown } | 'ended' | null = null
  #wake: (() => void) | null = null

  /** Ignored after `end()` or `fail()`. */
  push(item: T): void {
    if (this.#closed !== null) return
    this.#items.push(item)
    this.#wake?.()
  }

  /** The reader gets what is queued, then its loop ends. */
  end(): void {
    this.#closed ??= 'ended'
    this.#wake?.()
  }

  /** The reader gets what is queued, then `error` is thrown. */
  fail(error: unknown): void {
    this.#closed ??= { error }
    this.#wake?.()
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<T, void> {
    for (;;) {
      while (this.#items.length > 0) yield this.#items.shift()!
      if (this.#closed === 'ended') return
      if (this.#closed !== null) throw this.#closed.error
      await new Promise<void>(resolve => {
        this.#wake = resolve
      })
      this.#wake = null
    }
  }
}
