/** Time, as far as the fleet needs it; tests bring their own. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number
  /** Does something after so many milliseconds, unless it is called off by what this returns. */
  after(milliseconds: number, action: () => void): () => void
}

/** The time of the machine. */
export const systemClock: Clock = {
  now: () => Date.now(),
  after(milliseconds, action) {
    const timer = setTimeout(action, milliseconds)
    return () => clearTimeout(timer)
  },
}

/** Aborts with a TimeoutError after so many milliseconds, unless it is called off. */
export function timeoutSignal(
  clock: Clock,
  milliseconds: number,
): { signal: AbortSignal; clear: () => void } {
  const controller = new AbortController()
  const clear = clock.after(milliseconds, () =>
    controller.abort(new DOMException('The time is over.', 'TimeoutError')),
  )
  return { signal: controller.signal, clear }
}

/** Resolves after so many milliseconds, or as soon as the signal aborts. */
export function sleep(clock: Clock, milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise(resolve => {
    if (signal?.aborted) return resolve()
    const end = () => {
      clear()
      signal?.removeEventListener('abort', end)
      resolve()
    }
    const clear = clock.after(milliseconds, end)
    signal?.addEventListener('abort', end, { once: true })
  })
}
