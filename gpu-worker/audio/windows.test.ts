import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { splitWindows } from './windows.ts'

describe('splitWindows', () => {
  it('leaves what fits whole, and makes nothing of nothing', () => {
    expect(splitWindows(new Float32Array(0))).toEqual([])
    expect(splitWindows(new Float32Array(1))).toEqual([{ start: 0, end: 1 }])
    expect(splitWindows(new Float32Array(480_000))).toEqual([{ start: 0, end: 480_000 }])
  })

  it('cuts in the pause of the last five seconds', () => {
    const samples = new Float32Array(40 * 16_000).fill(0.5)
    samples.fill(0, 27 * 16_000, 27.2 * 16_000)
    const [first, second, ...rest] = splitWindows(samples)
    expect(rest).toEqual([])
    expect(first!.start).toBe(0)
    expect(first!.end).toBeGreaterThan(27 * 16_000)
    expect(first!.end).toBeLessThan(27.2 * 16_000)
    expect(second).toEqual({ start: first!.end, end: samples.length })
  })

  it('does not look for pauses before the last five seconds', () => {
    const samples = new Float32Array(40 * 16_000).fill(0.5)
    samples.fill(0, 20 * 16_000, 20.5 * 16_000)
    expect(splitWindows(samples)[0]!.end).toBeGreaterThan(25 * 16_000)
  })

  it('covers everything once, in windows no longer than asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 0, max: 60_000 }),
        fc.double({ min: 0.01, max: 2, noNaN: true }),
        fc.integer({ min: 1, max: 1000 }),
        (length, maxSeconds, period) => {
          const samples = Float32Array.from({ length }, (_, i) => Math.sin(i / period))
          let covered = 0
          for (const { start, end } of splitWindows(samples, maxSeconds)) {
            expect(start).toBe(covered)
            expect(end).toBeGreaterThan(start)
            expect(end - start).toBeLessThanOrEqual(maxSeconds * 16_000)
            covered = end
          }
          expect(covered).toBe(length)
        },
      ),
      { numRuns: 50 },
    )
  })

  it('refuses windows of no length', () => {
    expect(() => splitWindows(new Float32Array(10), 0)).toThrow(RangeError)
    expect(() => splitWindows(new Float32Array(10), Number.NaN)).toThrow(RangeError)
  })
})
