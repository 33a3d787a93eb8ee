import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { isRetryable, retryDelayMs } from './retry.ts'

const answer = (status: number, headers: Record<string, string> = {}) =>
  new Response(null, { status, headers })

describe('isRetryable', () => {
  test.each([
    [400, false],
    [401, false],
    [404, false],
    [408, true],
    [409, true],
    [413, false],
    [429, true],
    [500, true],
    [503, true],
  ])('status %i: %s', (status, expected) => {
    expect(isRetryable(answer(status))).toBe(expected)
  })

  test("the server's word counts for more", () => {
    expect(isRetryable(answer(503, { 'x-should-retry': 'false' }))).toBe(false)
    expect(isRetryable(answer(400, { 'x-should-retry': 'true' }))).toBe(true)
    expect(isRetryable(answer(503, { 'x-should-retry': 'perhaps' }))).toBe(true)
  })
})

describe('retryDelayMs', () => {
  test.each([
    [{ 'retry-after-ms': '1500', 'retry-after': '9' }, 1500],
    [{ 'retry-after': '7' }, 7000],
    [{ 'retry-after': '0' }, 0],
    // Not what a client waits for.
    [{ 'retry-after': '3600' }, 500],
    [{ 'retry-after': '-1' }, 500],
    [{ 'retry-after': 'soon' }, 500],
    [{}, 500],
  ])('of %o is %i', (headers, expected) => {
    expect(retryDelayMs(0, new Headers(headers as Record<string, string>), () => 0)).toBe(expected)
  })

  test('a date is waited for', () => {
    const date = new Date(Date.now() + 30_000).toUTCString()
    const delay = retryDelayMs(0, new Headers({ 'retry-after': date }))
    expect(delay).toBeGreaterThan(20_000)
    expect(delay).toBeLessThanOrEqual(30_000)
  })

  test('doubles up to 8 seconds, less at most a quarter', () => {
    fc.assert(
      fc.property(fc.nat({ max: 40 }), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
        const delay = retryDelayMs(attempt, null, () => random)
        const longest = Math.min(8000, 500 * 2 ** attempt)
        expect(delay).toBeLessThanOrEqual(longest)
        expect(delay).toBeGreaterThanOrEqual(longest * 0.75)
      }),
    )
  })
})
