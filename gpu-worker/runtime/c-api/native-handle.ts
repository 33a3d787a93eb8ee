/** Owns one native object: frees it once, and, as a safety net, when the owner is garbage. */
import type { Pointer } from './api.ts'

/** Whoever owns a native object holds a handle on it and releases it. */
export class NativeHandle {
  #pointer: Pointer
  readonly #free: (pointer: Pointer) => void

  constructor(pointer: Pointer, free: (pointer: Pointer) => void) {
    this.#pointer = pointer
    this.#free = free
    forgotten.register(this, { pointer, free }, this)
  }

  /** @throws Error when it was released: using it would crash the process */
  get pointer(): Pointer {
    if (this.#pointer === null) throw new Error('This was released.')
    return this.#pointer
  }

  get released(): boolean {
    return this.#pointer === null
  }

  /** Idempotent. */
  release(): void {
    if (this.#pointer === null) return
    forgotten.unregister(this)
    this.#free(this.#pointer)
    this.#pointer = null
  }
}

const forgotten = new FinalizationRegistry<{ pointer: Pointer; free: (pointer: Pointer) => void }>(
  ({ pointer, free }) => free(pointer),
)
