/** Work that outlives its answer: Workers must be told of it, elsewhere it just goes on. */
import type { Context } from 'hono'

/** Gives the function that takes such work. */
export function backgroundOf(context: Context): (work: Promise<unknown>) => void {
  return work => {
    const settled = work.catch(() => {})
    try {
      context.executionCtx.waitUntil(settled)
    } catch {
      // Hono throws where there is no execution context; then nothing ends the work early.
    }
  }
}
