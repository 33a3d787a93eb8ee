import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { InProcessRateLimiter } from './rate-limiter.ts'
import { parseLimits } from './tenant-limits.ts'
import { freshUsage, type RateLimits, reserve, settle, type UsageState } from './tenant-usage.ts'
import { type Bucket, type Rate, refill, take, waitMs } from './token-bucket.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const none: RateLimits = {
  requestsPerMinute: null,
  requestsPerDay: null,
  audioSecondsPerMinute: null,
  audioSecondsPerDay: null,
  concurrentRequests: null,
}

describe('a token bucket', () => {
  const rates = fc.record({
    capacity: fc.integer({ min: 1, max: 10_000 }),
    periodMs: fc.constantFrom(1000, 60_000, 86_400_000),
  })
  const steps = fc.array(
    fc.record({ afterMs: fc.nat({ max: 200_000 }), units: fc.double({ min: 0.1, max: 50, noNaN: true }) }),
    { minLength: 1, maxLength: 60 },
  )

  test('in no stretch of time lets out more than its capacity and what flowed in meanwhile', () => {
    fc.assert(
      fc.property(rates, steps, (rate, asked) => {
        let bucket: Bucket | undefined
        let nowMs = 0
        const taken: { atMs: number; units: number }[] = []
        for (const { afterMs, units } of asked) {
          nowMs += afterMs
          bucket = refill(bucket, rate, nowMs)
          if (units > rate.capacity || waitMs(bucket, rate, units) > 0) continue
          bucket = take(bucket, rate, units)
          taken.push({ atMs: nowMs, units })
        }
        for (let from = 0; from < taken.length; from++) {
          let sum = 0
          for (const { atMs, units } of taken.slice(from)) {
            sum += units
            const inflow = ((atMs - taken[from]!.atMs) * rate.capacity) / rate.periodMs
            expect(sum).toBeLessThanOrEqual(rate.capacity + inflow + 1e-6 * rate.capacity)
          }
        }
      }),
    )
  })

  test('after the wait that it names there is enough, and a moment before there is not', () => {
    fc.assert(
      fc.property(
        rates,
        fc.double({ min: 0.5, max: 1e4, noNaN: true }),
        fc.nat({ max: 1e6 }),
        (rate, debt, atMs) => {
          const bucket = take(refill(undefined, rate, atMs), rate, debt)
          const units = Math.min(1, rate.capacity)
          const wait = waitMs(bucket, rate, units)
          expect(waitMs(refill(bucket, rate, atMs + wait + 1e-3), rate, units)).toBeLessThan(1e-2)
          if (wait > 1) expect(waitMs(refill(bucket, rate, atMs + wait / 2), rate, units)).toBeGreaterThan(0)
        },
      ),
    )
  })

  test('a clock that runs backwards gives nothing', () => {
    const rate: Rate = { capacity: 10, periodMs: 1000 }
    const empty = take(refill(undefined, rate, 5000), rate, 10)
    expect(refill(refill(empty, rate, 1000), rate, 5000).level).toBe(0)
  })
})

describe('what a tenant uses', () => {
  test('requests a minute: so many at once, then as they flow in', () => {
    const limits = { ...none, requestsPerMinute: 3 }
    let state: UsageState = freshUsage
    const ask = (id: string, nowMs: number) => {
      const outcome = reserve(state, limits, { id, audioSeconds: 0 }, nowMs)
      state = settle(outcome.state, limits, id, 0, nowMs)
      return outcome.verdict
    }
    expect([1, 2, 3].map(i => ask(`r${i}`, 0).refused)).toEqual([null, null, null])
    const refused = ask('r4', 0)
    expect(refused.refused).toEqual({ limit: 'requestsPerMinute', retryAfterMs: 20_000 })
    expect(refused.requests).toEqual({ limit: 3, remaining: 0, resetMs: 60_000 })
    expect(ask('r5', 19_999).refused).not.toBeNull()
    expect(ask('r6', 20_000).refused).toBeNull()
  })

  test('the day is counted beside the minute, and the nearer limit is shown', () => {
    const limits = { ...none, requestsPerMinute: 100, requestsPerDay: 2 }
    const one = reserve(freshUsage, limits, { id: 'a', audioSeconds: 0 }, 0)
    const two = reserve(one.state, limits, { id: 'b', audioSeconds: 0 }, 0)
    const three = reserve(two.state, limits, { id: 'c', audioSeconds: 0 }, 0)
    expect(one.verdict.requests).toMatchObject({ limit: 2, remaining: 1 })
    expect(three.verdict.refused).toEqual({ limit: 'requestsPerDay', retryAfterMs: 43_200_000 })
  })

  test('audio: what was reserved is settled by what it was, a debt is paid before the next', () => {
    const limits = { ...none, audioSecondsPerMinute: 60 }
    const first = reserve(freshUsage, limits, { id: 'a', audioSeconds: 2 }, 0)
    expect(first.verdict.audioSeconds).toMatchObject({ limit: 60, remaining: 58 })
    const settled = settle(first.state, limits, 'a', 90, 0)
    expect(settled.buckets.audioSecondsPerMinute!.level).toBe(-30)
    const second = reserve(settled, limits, { id: 'b', audioSeconds: 0 }, 10_000)
    expect(second.verdict.refused).toMatchObject({ limit: 'audioSecondsPerMinute' })
    expect(second.verdict.refused!.retryAfterMs).toBeCloseTo(20_001, 0)
    expect(reserve(settled, limits, { id: 'c', audioSeconds: 0 }, 30_002).verdict.refused).toBeNull()
  })

  test('audio: too much reserved comes back; what nobody knows stands; twice is once', () => {
    const limits = { ...none, audioSecondsPerMinute: 60 }
    const { state } = reserve(freshUsage, limits, { id: 'a', audioSeconds: 50 }, 0)
    const level = (usage: UsageState) => usage.buckets.audioSecondsPerMinute!.level
    const once = settle(state, limits, 'a', 5, 0)
    expect([level(once), level(settle(once, limits, 'a', 5, 0))]).toEqual([55, 55])
    expect(level(settle(state, limits, 'a', null, 0))).toBe(10)
    expect(level(settle(state, limits, 'other', 40, 0))).toBe(10)
  })

  test('one that is larger than all that there is needs all of it, not more', () => {
    const limits = { ...none, audioSecondsPerMinute: 60 }
    expect(reserve(freshUsage, limits, { id: 'a', audioSeconds: 1000 }, 0).verdict.refused).toBeNull()
  })

  test('so many at once; one that never ends is forgotten', () => {
    const limits = { ...none, concurrentRequests: 2 }
    let { state } = reserve(freshUsage, limits, { id: 'a', audioSeconds: 0 }, 0)
    state = reserve(state, limits, { id: 'b', audioSeconds: 0 }, 0).state
    const third = reserve(state, limits, { id: 'c', audioSeconds: 0 }, 1)
    expect(third.verdict.refused).toMatchObject({ limit: 'concurrentRequests' })
    expect(Object.keys(third.state.running)).toEqual(['a', 'b'])
    const after = settle(third.state, limits, 'a', null, 2)
    expect(reserve(after, limits, { id: 'd', audioSeconds: 0 }, 3).verdict.refused).toBeNull()
    expect(reserve(state, limits, { id: 'e', audioSeconds: 0 }, 16 * 60_000).verdict.refused).toBeNull()
  })

  test('never lets more than the limit run, whatever comes in whatever order', () => {
    const action = fc.record({ id: fc.nat({ max: 9 }), ends: fc.boolean(), afterMs: fc.nat({ max: 1000 }) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 100 }), fc.integer({ min: 1, max: 4 }), (actions, most) => {
        const limits = { ...none, concurrentRequests: most, audioSecondsPerMinute: 100 }
        let state: UsageState = freshUsage
        let nowMs = 0
        for (const { id, ends, afterMs } of actions) {
          nowMs += afterMs
          state = ends
            ? settle(state, limits, String(id), 1, nowMs)
            : reserve(state, limits, { id: String(id), audioSeconds: 0.5 }, nowMs).state
          expect(Object.keys(state.running).length).toBeLessThanOrEqual(most)
          expect(JSON.parse(JSON.stringify(state))).toEqual(state)
        }
      }),
    )
  })
})

test('tenants do not share', async () => {
  const limiter = new InProcessRateLimiter(() => 0)
  const limits = { ...none, requestsPerMinute: 1 }
  const ask = async (tenant: string) =>
    (await limiter.reserve(tenant, limits, { id: tenant, audioSeconds: 0 })).refused?.limit ?? null
  expect([await ask('a'), await ask('a'), await ask('b')]).toEqual([null, 'requestsPerMinute', null])
})

describe('AURICLE_LIMITS', () => {
  test('are for all, and others for some', () => {
    const limitsOf = parseLimits(
      '{"requests_per_minute":60,"concurrent_requests":4,"tenants":{"acme":{"requests_per_minute":600}}}',
    )
    expect(limitsOf('x')).toEqual({ ...none, requestsPerMinute: 60, concurrentRequests: 4 })
    expect(limitsOf('acme')).toEqual({ ...none, requestsPerMinute: 600, concurrentRequests: 4 })
    expect(limitsOf('__proto__')).toEqual(limitsOf('x'))
  })

  test.each(['', '[]', '{"requests":1}', '{"requests_per_minute":0}', '{"tenants":{"a":{"x":1}}}'])(
    'refuses %s',
    text => expect(() => parseLimits(text)).toThrow(/AURICLE_LIMITS/),
  )
})
