import { describe, expect, test } from 'vitest'
import { planned, sequence, stateWith, step } from './fixtures/scheduling.ts'
import { submit } from './scheduler.ts'
import type { SchedulerState } from './scheduler-state.ts'

const ids = (sequences: readonly { id: string }[]) => sequences.map(({ id }) => id)
const low = { priority: 'low' } as const
const high = { priority: 'high' } as const

function steps(state: SchedulerState, count: number, token = 5): SchedulerState {
  return count === 0 ? state : steps(step(state, token).state, count - 1, token)
}

describe('for a more urgent sequence', () => {
  test('a low one that runs gives way, and goes on in its slot with all that it had', () => {
    let state = steps(stateWith({ slots: 1 }, sequence('low', 4, low)), 3)
    state = submit(state, sequence('high', 3, high), 0)
    const taken = step(state)
    expect(ids(taken.state.running)).toEqual(['high'])
    expect(taken.state.waiting).toMatchObject([{ id: 'low', tokens: [5, 5, 5], preemptions: 1 }])
    // Its slot is overwritten, so all is computed again: the prompt at once, the answer token by token.
    const again = step(taken.state, 99)
    expect(ids(again.state.running)).toEqual([])
    const plans = []
    for (let next = step(again.state), count = 0; count < 4; next = step(next.state), count++) {
      plans.push([...next.plan.prefills, ...next.plan.decodes].map(({ samples }) => samples))
      expect(next.state.running[0]!.tokens.length).toBe(count === 3 ? 4 : 3)
    }
    expect(plans).toEqual([[false], [false], [false], [true]])
  })

  test('what its slot still holds is not computed again, the answer included', () => {
    const tight = { slots: 3, kvPositions: 32, prefillBudgetIdle: 64 }
    let state = steps(stateWith(tight, sequence('low', 6, low)), 3)
    state = submit(state, sequence('large', 20, high), 0)
    const ended = step(state, 99)
    expect(ended.ended).toEqual([{ id: 'large', end: 'stop' }])
    const { plan, state: resumed } = step(ended.state)
    expect(resumed.running).toMatchObject([{ id: 'low', slot: 0, reused: 8, tokens: [5, 5, 5, 5] }])
    expect(planned(plan)).toEqual({ decodes: [['low', 8]], prefills: [] })
  })

  test('nobody of normal priority gives way, nor one that has aged', () => {
    const normal = submit(steps(stateWith({ slots: 1 }, sequence('normal', 3)), 2), sequence('h', 3, high), 0)
    expect(ids(step(normal).state.running)).toEqual(['normal'])
    const aged = submit(steps(stateWith({ slots: 1 }, sequence('low', 3, low)), 2), sequence('h', 3, high), 0)
    expect(ids(step(aged, 5, 99).state.running)).toEqual(['h'])
    expect(ids(step(aged, 5, 100).state.running)).toEqual(['low'])
  })

  test('a normal one preempts nobody', () => {
    const state = submit(steps(stateWith({ slots: 1 }, sequence('low', 3, low)), 2), sequence('n', 3), 0)
    expect(ids(step(state).state.running)).toEqual(['low'])
  })

  test('the youngest gives way, and only as many as are needed', () => {
    const lows = ['l1', 'l2', 'l3'].map(id => sequence(id, 3, low))
    const state = submit(steps(stateWith({ slots: 3 }, ...lows), 2), sequence('h', 3, high), 0)
    expect(ids(step(state).state.running)).toEqual(['l1', 'l2', 'h'])
  })

  test('nobody gives way in vain', () => {
    const both = [sequence('normal', 22), sequence('low', 4, low)]
    let state = steps(stateWith({ slots: 3, kvPositions: 45, prefillBudgetIdle: 64 }, ...both), 2)
    state = submit(state, sequence('large', 20, high), 0)
    expect(ids(step(state).state.running)).toEqual(['normal', 'low'])
  })
})

describe('for memory', () => {
  const tight = { slots: 3, kvPositions: 32, growthReserve: 0, prefillBudgetIdle: 64 }

  test('the youngest gives way when the answers outgrow it, and the tokens of nobody are lost', () => {
    let state = stateWith(tight, ...['a', 'b', 'c'].map(id => sequence(id, 8, { maxTokens: 20 })))
    const received = new Map<string, number>()
    let preempted = ''
    for (let token = 0; state.running.length + state.waiting.length > 0; token++) {
      const { plan, state: next } = step(state, token % 50)
      for (const { id, samples } of [...plan.decodes, ...plan.prefills]) {
        if (samples) received.set(id, (received.get(id) ?? 0) + 1)
      }
      if (preempted === '' && next.preemptions === 1) preempted = next.waiting[0]!.id
      state = next
    }
    expect(preempted).toBe('c')
    expect([...received]).toEqual([
      ['a', 20],
      ['b', 20],
      ['c', 20],
    ])
  })

  test('the least urgent gives way, however old', () => {
    let state = stateWith(tight, sequence('low', 8, low), sequence('a', 8), sequence('b', 8))
    while (state.preemptions === 0) state = step(state).state
    expect(ids(state.waiting)).toEqual(['low'])
  })

  test('it comes back when there is room, into what its slot still holds', () => {
    let state = stateWith(tight, ...['a', 'b', 'c'].map(id => sequence(id, 8, { maxTokens: 20 })))
    while (state.preemptions === 0) state = step(state).state
    state = step(state, 99).state
    // a and b have stopped; c goes on behind what it had, but for what was cut off its end meanwhile.
    const { plan, state: resumed } = step(state)
    expect(resumed.running).toMatchObject([{ id: 'c', slot: 2 }])
    expect(resumed.running[0]!.reused).toBeGreaterThanOrEqual(8)
    expect(planned(plan).prefills).toEqual([])
  })

  test('what is kept for later is cut first, from the end, and who left first loses first', () => {
    let state = stateWith(tight, sequence('old', 8))
    state = step(state, 99).state
    state = step(submit(state, sequence('young', 8), 0), 99).state
    expect(state.slots.map(slot => slot.kind === 'free' && slot.held?.length)).toEqual([8, 8, undefined])
    state = step(submit(state, sequence('new', 20), 0)).state
    expect(state.slots).toMatchObject([{ held: { length: 4 } }, { held: { length: 8 } }, { by: 'new' }])
    expect(state.preemptions).toBe(0)
  })
})
