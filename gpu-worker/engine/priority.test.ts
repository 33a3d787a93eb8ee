import { describe, expect, test } from 'vitest'
import { CONFIG, sequence, stateWith, step } from './fixtures/scheduling.ts'
import { urgency } from './priority.ts'
import { submit } from './scheduler.ts'
import type { NewSequence } from './sequence.ts'

/** Who ends first when each takes one step of the only slot. */
function orderOf(sequences: readonly NewSequence[], agingMs = CONFIG.agingMs): string[] {
  let state = stateWith({ slots: 1, maxWaiting: 20, agingMs }, ...sequences)
  const order: string[] = []
  while (state.waiting.length + state.running.length > 0) {
    const result = step(state, 99)
    order.push(...result.ended.map(({ id }) => id))
    state = result.state
  }
  return order
}

describe('priority', () => {
  test('the higher one first, then who came first', () => {
    const sequences = (['low', 'normal', 'high', 'low', 'normal', 'high'] as const).map((priority, index) =>
      sequence(`${priority} ${index}`, 3, { priority }),
    )
    expect(orderOf(sequences)).toEqual(['high 2', 'high 5', 'normal 1', 'normal 4', 'low 0', 'low 3'])
  })

  test('before fairness', () => {
    const urgent = ['a1', 'a2'].map(id => sequence(id, 3, { tenant: 'a', priority: 'high' }))
    expect(orderOf([sequence('b1', 3, { tenant: 'b' }), ...urgent])).toEqual(['a1', 'a2', 'b1'])
  })

  test('rises by one for each aging time, to the highest', () => {
    const state = stateWith({ agingMs: 100 }, sequence('a', 3, { priority: 'low' }))
    const at = (nowMs: number) => urgency(state, state.waiting[0]!, nowMs)
    expect([0, 99, 100, 199, 200, 10_000].map(at)).toEqual([2, 2, 1, 1, 0, 0])
  })

  test('who has waited long is not passed over by an endless stream of more urgent ones', () => {
    let state = stateWith({ slots: 1, maxWaiting: 20 }, sequence('patient', 3, { priority: 'low' }))
    let nowMs = 0
    for (const ended: string[] = []; !ended.includes('patient'); nowMs += 10) {
      state = submit(state, sequence(`urgent ${nowMs}`, 3, { priority: 'high' }), nowMs)
      const result = step(state, 99, nowMs)
      ended.push(...result.ended.map(({ id }) => id))
      state = result.state
      expect(nowMs).toBeLessThan(1000)
    }
    expect(nowMs).toBeGreaterThanOrEqual(200)
  })
})
