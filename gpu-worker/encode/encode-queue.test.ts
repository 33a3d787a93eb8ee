import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Priority } from '../engine/types.ts'
import { EncodeQueue } from './encode-queue.ts'
import { PATIENCE_TURNS } from './turn-order.ts'

const never = new AbortController().signal

/** A queue whose windows are encoded when the test says so. */
function steppedQueue(options: { concurrency?: number; maxJobs?: number } = {}) {
  const queue = new EncodeQueue(options)
  const order: string[] = []
  const ends: (() => void)[] = []
  return {
    queue,
    order,
    /** Encodes `windows` windows one after another. */
    audio(
      name: string,
      windows: number,
      who: { tenant?: string; priority?: Priority; signal?: AbortSignal } = {},
    ) {
      const { tenant = 'default', priority = 'normal', signal = never } = who
      return queue.job({ tenant, priority, signal }, async turn => {
        for (let window = 0; window < windows; window++) {
          await turn(() => {
            order.push(name)
            return new Promise<void>(resolve => ends.push(resolve))
          })
        }
      })
    },
    /** Ends the window that has been under way longest, and lets what follows from it happen. */
    async step() {
      ends.shift()?.()
      await settled()
    },
    underWay: () => ends.length,
  }
}

const settled = () => new Promise(resolve => setImmediate(resolve))

async function drain(stepped: ReturnType<typeof steppedQueue>) {
  await settled()
  while (stepped.underWay() > 0) await stepped.step()
}

describe('the order of windows', () => {
  it('lets a short audio in after one window of a long one', async () => {
    const stepped = steppedQueue()
    const long = stepped.audio('long', 4)
    const short = stepped.audio('short', 1)
    await drain(stepped)
    await Promise.all([long, short])
    expect(stepped.order).toEqual(['long', 'short', 'long', 'long', 'long'])
  })

  it('takes tenants in turn, however many audios each has', async () => {
    const stepped = steppedQueue()
    const audios = [1, 2, 3, 4].map(() => stepped.audio('a', 1, { tenant: 'a' }))
    audios.push(stepped.audio('b', 2, { tenant: 'b' }), stepped.audio('c', 1, { tenant: 'c' }))
    await drain(stepped)
    await Promise.all(audios)
    expect(stepped.order).toEqual(['a', 'b', 'c', 'a', 'b', 'a', 'a'])
  })

  it('serves higher priorities first', async () => {
    const stepped = steppedQueue()
    const priorities = ['normal', 'low', 'normal', 'high'] as const
    const audios = priorities.map(priority => stepped.audio(priority, 1, { priority }))
    await drain(stepped)
    await Promise.all(audios)
    expect(stepped.order).toEqual(['normal', 'high', 'normal', 'low'])
  })

  it('has patience with nobody for ever: the lowest priority comes through an endless flow of the highest', async () => {
    const stepped = steppedQueue()
    const high = [1, 2, 3].map(() => stepped.audio('high', 100, { priority: 'high', tenant: 'a' }))
    const low = stepped.audio('low', 1, { priority: 'low', tenant: 'b' })
    await drain(stepped)
    await Promise.all([...high, low])
    expect(stepped.order.indexOf('low')).toBeGreaterThan(PATIENCE_TURNS)
    expect(stepped.order.indexOf('low')).toBeLessThanOrEqual(3 * PATIENCE_TURNS)
  })
})

describe('bounds', () => {
  it('refuses an audio too many, and none that has begun', async () => {
    const stepped = steppedQueue({ maxJobs: 2 })
    const taken = [stepped.audio('a', 3), stepped.audio('b', 3)]
    await expect(stepped.audio('c', 1)).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    await drain(stepped)
    await Promise.all(taken)
    const later = stepped.audio('c', 1)
    await drain(stepped)
    await later
    expect(stepped.queue.stats()).toEqual({ jobs: 0, running: 0, waiting: 0 })
  })

  it('an abort ends the wait at once, and leaves the others in their order', async () => {
    const stepped = steppedQueue()
    const abort = new AbortController()
    const first = stepped.audio('first', 1)
    const left = stepped.audio('left', 1, { signal: abort.signal })
    const last = stepped.audio('last', 1)
    abort.abort(new Error('gone'))
    await expect(left).rejects.toThrow('gone')
    expect(stepped.queue.stats()).toMatchObject({ jobs: 2, waiting: 1 })
    await drain(stepped)
    await Promise.all([first, last])
    expect(stepped.order).toEqual(['first', 'last'])
  })

  it('a window that fails gives its turn on', async () => {
    const queue = new EncodeQueue()
    const who = { tenant: 'a', priority: 'normal', signal: never } as const
    await expect(queue.job(who, turn => turn(() => Promise.reject(new Error('broken'))))).rejects.toThrow(
      'broken',
    )
    expect(await queue.job(who, turn => turn(async () => 7))).toBe(7)
  })

  it('whatever comes and goes: never more at once than allowed, each ends once, nothing is left', async () => {
    const audio = fc.record({
      windows: fc.integer({ min: 0, max: 4 }),
      tenant: fc.constantFrom('a', 'b', 'c'),
      priority: fc.constantFrom<Priority>('high', 'normal', 'low'),
      /** Steps after which it is aborted. */
      abortAfter: fc.option(fc.integer({ min: 0, max: 8 })),
    })
    await fc.assert(
      fc.asyncProperty(
        fc.array(audio, { maxLength: 12 }),
        fc.integer({ min: 1, max: 3 }),
        async (audios, concurrency) => {
          const stepped = steppedQueue({ concurrency, maxJobs: 100 })
          const aborts = audios.map(() => new AbortController())
          const results = audios.map(({ windows, tenant, priority }, index) =>
            stepped.audio(String(index), windows, { tenant, priority, signal: aborts[index]!.signal }).then(
              () => 'done',
              () => 'aborted',
            ),
          )
          const encoded = audios.reduce((sum, { windows }) => sum + windows, 0)
          for (let step = 0; step <= encoded + 8; step++) {
            for (const [index, { abortAfter }] of audios.entries())
              if (abortAfter === step) aborts[index]!.abort()
            await settled()
            expect(stepped.queue.stats().running).toBeLessThanOrEqual(concurrency)
            await stepped.step()
          }
          await drain(stepped)
          const ended = await Promise.all(results)
          for (const [index, { windows, abortAfter }] of audios.entries()) {
            const begun = stepped.order.filter(name => name === String(index)).length
            if (ended[index] === 'done') expect(begun).toBe(windows)
            else expect(abortAfter).not.toBeNull()
          }
          expect(stepped.queue.stats()).toEqual({ jobs: 0, running: 0, waiting: 0 })
        },
      ),
      { numRuns: 60 },
    )
  })
})
