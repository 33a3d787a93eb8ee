/** Hedging (Dean and Barroso 2013): a request whose answer is late is asked of a second worker, and the first answer counts. */
import type { Attempt } from './attempt.ts'
import { type Clock, sleep } from './clock.ts'

export interface HedgeOptions {
  clock: Clock
  /** How long the first has before the second is asked. */
  delayMs: number
  /** Starts an attempt, which the signal stops. */
  first: (signal: AbortSignal) => Promise<Attempt>
  /** Starts another elsewhere; null where there is nowhere, or no budget. */
  second: (signal: AbortSignal) => Promise<Attempt> | null
}

/**
 * The first attempt that is answered, the other is stopped; where none is, the first to fail.
 * @throws what an attempt throws
 */
export async function hedge(options: HedgeOptions): Promise<Attempt> {
  const controllers = [new AbortController(), new AbortController()] as const
  const first = options.first(controllers[0].signal)
  const isLate = await Promise.race([
    first.then(
      () => false,
      () => false,
    ),
    sleep(options.clock, options.delayMs, controllers[1].signal).then(() => true),
  ])
  const second = isLate ? options.second(controllers[1].signal) : null
  if (second === null) {
    // Ends the sleep, too.
    controllers[1].abort()
    return first
  }
  const winner = await answered([first, second])
  // The loser's work is of no use to anyone; how it ends isn't, either.
  controllers[winner.index === 0 ? 1 : 0].abort()
  await Promise.allSettled([first, second])
  return winner.attempt
}

/** The first that is answered, or when none is, the first of all. */
async function answered(attempts: readonly Promise<Attempt>[]): Promise<{ index: number; attempt: Attempt }> {
  try {
    return await Promise.any(
      attempts.map(async (promise, index) => {
        const attempt = await promise
        if (attempt.kind !== 'answered') throw attempt
        return { index, attempt }
      }),
    )
  } catch {
    return { index: 0, attempt: await attempts[0]! }
  }
}
