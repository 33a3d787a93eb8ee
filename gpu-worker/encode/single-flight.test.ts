import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { SingleFlight } from './single-flight.ts'

const never = () => new AbortController().signal

/** Work that counts its runs and ends when the test says so, or when it is aborted. */
function countedWork() {
  const { promise, resolve } = Promise.withResolvers<void>()
  const runs: AbortSignal[] = []
  return {
    runs,
    finish: resolve,
    work: async (signal: AbortSignal) => {
      runs.push(signal)
      await Promise.race([
        promise,
        new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason))),
      ])
      return runs.length
    },
  }
}

describe('the same work at once', () => {
  it('is done once, and again when it is asked for later', async () => {
    const flights = new SingleFlight<number>()
    const { runs, finish, work } = countedWork()
    const waiting = [1, 2, 3].map(() => flights.run('a', never(), work))
    finish()
    expect(await Promise.all(waiting)).toEqual([1, 1, 1])
    expect(flights.size).toBe(0)
    expect(await flights.run('a', never(), work)).toBe(2)
    expect(runs).toHaveLength(2)
  })

  it('fails for all, also when it fails at once', async () => {
    const flights = new SingleFlight<number>()
    const broken = () => {
      throw new Error('broken')
    }
    const waiting = [1, 2].map(() => flights.run('a', never(), broken))
    for (const result of waiting) await expect(result).rejects.toThrow('broken')
    expect(flights.size).toBe(0)
  })

  it('is joined only while it is under way', async () => {
    const flights = new SingleFlight<number>()
    const { finish, work } = countedWork()
    expect(flights.join('a', never())).toBeNull()
    const first = flights.run('a', never(), work)
    const second = flights.join('a', never())
    finish()
    expect(await Promise.all([first, second])).toEqual([1, 1])
    expect(flights.join('a', never())).toBeNull()
  })
})

describe('an abort', () => {
  it('of one lets the others have their result', async () => {
    const flights = new SingleFlight<number>()
    const { runs, finish, work } = countedWork()
    const abort = new AbortController()
    const leaving = flights.run('a', abort.signal, work)
    const staying = flights.run('a', never(), work)
    abort.abort(new Error('gone'))
    await expect(leaving).rejects.toThrow('gone')
    expect(runs.map(({ aborted }) => aborted)).toEqual([false])
    finish()
    expect(await staying).toBe(1)
  })

  it('of the last one ends the work, and a newcomer begins anew', async () => {
    const flights = new SingleFlight<number>()
    const { runs, finish, work } = countedWork()
    const aborts = [new AbortController(), new AbortController()]
    const leaving = aborts.map(({ signal }) => flights.run('a', signal, work))
    const settled = Promise.allSettled(leaving)
    await Promise.resolve()
    for (const abort of aborts) abort.abort(new Error('gone'))
    await settled
    expect(runs[0]!.aborted).toBe(true)
    finish()
    expect(await flights.run('a', never(), work)).toBe(2)
  })

  it('whoever leaves when: work runs once while anyone waits, and is aborted exactly when nobody does', async () => {
    const scripts = fc.array(fc.record({ key: fc.constantFrom('a', 'b'), leaves: fc.boolean() }), {
      maxLength: 20,
    })
    await fc.assert(
      fc.asyncProperty(scripts, async waiters => {
        const flights = new SingleFlight<number>()
        const works = { a: countedWork(), b: countedWork() }
        const calls = waiters.map(({ key, leaves }) => {
          const abort = new AbortController()
          return {
            key,
            leaves,
            abort,
            result: flights.run(key as 'a' | 'b', abort.signal, works[key as 'a' | 'b'].work),
          }
        })
        const settled = Promise.allSettled(calls.map(({ result }) => result))
        await Promise.resolve()
        for (const { leaves, abort } of calls) if (leaves) abort.abort(new Error('gone'))
        await new Promise(resolve => setImmediate(resolve))
        for (const key of ['a', 'b'] as const) {
          const mine = calls.filter(call => call.key === key)
          const { runs, finish } = works[key]
          expect(runs).toHaveLength(Math.min(1, mine.length))
          expect(runs[0]?.aborted ?? false).toBe(mine.length > 0 && mine.every(({ leaves }) => leaves))
          finish()
        }
        const outcomes = await settled
        expect(outcomes.map(({ status }) => status)).toEqual(
          calls.map(({ leaves }) => (leaves ? 'rejected' : 'fulfilled')),
        )
        expect(flights.size).toBe(0)
      }),
    )
  })
})
