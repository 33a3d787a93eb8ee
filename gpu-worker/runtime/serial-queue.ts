/** Runs jobs one after the other, in the order they came. */
export class SerialQueue {
  #last: Promise<void> = Promise.resolve()

  /** Starts `job` when every earlier one has settled; its result, or its error, is the caller's alone. */
  run<T>(job: () => Promise<T>): Promise<T> {
    const result = this.#last.then(job)
    this.#last = result.then(noop, noop)
    return result
  }

  /** Resolves when everything queued so far has settled. */
  idle(): Promise<void> {
    return this.#last
  }
}

function noop(): void {}
