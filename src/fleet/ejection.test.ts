import { describe, expect, test } from 'vitest'
import { Ejection } from './ejection.ts'

/** Fails so many times in a row. */
function failing(ejection: Ejection, times: number, nowMs = 0): Ejection {
  for (let i = 0; i < times; i++) ejection.failed(nowMs)
  return ejection
}
const kindAt = (ejection: Ejection, nowMs: number) => ejection.standing(nowMs).kind

describe('Ejection', () => {
  test('five failures in a row, none between', () => {
    const ejection = failing(new Ejection(), 4)
    ejection.succeeded()
    failing(ejection, 4)
    expect(kindAt(ejection, 0)).toBe('trusted')
    ejection.failed(0)
    expect(ejection.standing(0)).toEqual({ kind: 'ejected', untilMs: 30_000 })
  })

  test('when its time is over, one answer makes it good again', () => {
    const ejection = failing(new Ejection(), 5)
    expect(kindAt(ejection, 29_999)).toBe('ejected')
    expect(kindAt(ejection, 30_000)).toBe('on-trial')
    ejection.succeeded()
    expect(kindAt(ejection, 30_000)).toBe('trusted')
  })

  test('one failure on trial ejects it again, for longer each time, never for ever', () => {
    const ejection = failing(new Ejection(), 5)
    let nowMs = 30_000
    const times: number[] = []
    for (let i = 0; i < 12; i++) {
      ejection.failed(nowMs)
      const standing = ejection.standing(nowMs)
      if (standing.kind !== 'ejected') throw new Error(standing.kind)
      times.push(standing.untilMs - nowMs)
      nowMs = standing.untilMs
    }
    expect(times.slice(0, 3)).toEqual([60_000, 90_000, 120_000])
    expect(times.at(-1)).toBe(300_000)
  })

  test('answers that were under way when it was ejected change nothing', () => {
    const ejection = failing(new Ejection(), 9)
    ejection.succeeded()
    expect(ejection.standing(0)).toEqual({ kind: 'ejected', untilMs: 30_000 })
  })
})
