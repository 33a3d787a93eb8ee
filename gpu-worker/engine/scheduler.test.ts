import { describe, expect, test } from 'vitest'
import { CONFIG, planned, sequence, stateWith, step } from './fixtures/scheduling.ts'
import type { Outcome } from './plan.ts'
import { cancel, createSchedulerState, schedule, shed, submit, update } from './scheduler.ts'
import type { SchedulerState } from './scheduler-state.ts'
import type { NewSequence } from './sequence.ts'

describe('chunked prefill', () => {
  test('the budget is large while nobody decodes and small while somebody does', () => {
    let state = stateWith({}, sequence('a', 10), sequence('b', 9))
    const plans = []
    for (let count = 0; count < 4; count++) {
      const result = step(state)
      state = result.state
      plans.push(planned(result.plan))
    }
    expect(plans).toEqual([
      { decodes: [], prefills: [['a', 0, 8, false]] },
      {
        decodes: [],
        prefills: [
          ['a', 8, 2, true],
          ['b', 0, 6, false],
        ],
      },
      { decodes: [['a', 10]], prefills: [['b', 6, 3, true]] },
      {
        decodes: [
          ['a', 11],
          ['b', 9],
        ],
        prefills: [],
      },
    ])
  })
})

describe('no chunk is of one position', () => {
  function chunksOf(promptLength: number, budget: number): number[] {
    let state = stateWith({ prefillBudgetIdle: budget }, sequence('a', promptLength))
    const counts: number[] = []
    while (state.running.length + state.waiting.length > 0) {
      const result = step(state, 99)
      for (const { count } of result.plan.prefills) counts.push(count)
      state = result.state
    }
    return counts
  }

  test.each([
    [9, 4, [4, 3, 2]],
    [4, 3, [2, 2]],
    [3, 3, [3]],
    [1, 3, [1]],
  ])('a prompt of %i, a budget of %i', (promptLength, budget, counts) => {
    expect(chunksOf(promptLength, budget)).toEqual(counts)
  })

  test('what is left of a budget may be too little for the next one', () => {
    const { plan } = step(stateWith({ prefillBudgetIdle: 6 }, sequence('a', 5), sequence('b', 5)))
    expect(planned(plan).prefills).toEqual([['a', 0, 5, true]])
  })

  test('budgets too small for that are refused', () => {
    expect(() => createSchedulerState({ ...CONFIG, prefillBudget: 2 })).toThrow(RangeError)
  })
})

describe('ends', () => {
  test.each([
    ['a stop id', 99, 10, 'stop'],
    ['the last token it may have', 5, 1, 'length'],
  ] as const)('%s', (_, token, maxTokens, end) => {
    const result = step(stateWith({}, sequence('a', 3, { maxTokens })), token)
    expect(result.ended).toEqual([{ id: 'a', end }])
    expect(result.state.slots.map(slot => slot.kind)).toEqual(['free', 'free'])
  })

  test('a full slot', () => {
    const result = step(stateWith({ prefillBudgetIdle: 64 }, sequence('a', 32)))
    expect(result.ended).toEqual([{ id: 'a', end: 'length' }])
  })

  test('a failed run', () => {
    const { state, plan } = schedule(stateWith({}, sequence('a', 3), sequence('b', 3)), 0)
    const outcomes = new Map<string, Outcome>([
      ['a', { kind: 'failed' }],
      ['b', { kind: 'tokens', tokens: [1] }],
    ])
    const updated = update(state, plan, outcomes)
    expect(updated.ended).toEqual([{ id: 'a', end: 'failed' }])
    expect(updated.state.running.map(({ id }) => id)).toEqual(['b'])
  })

  test('the time to be admitted by passes in the queue; it doesn’t matter once running', () => {
    const hurried = { admitByMs: 100 }
    let result = step(stateWith({ slots: 1 }, sequence('a', 3, hurried), sequence('b', 3, hurried)), 5, 50)
    expect(result.ended).toEqual([])
    result = step(result.state, 5, 100)
    expect(result.ended).toEqual([{ id: 'b', end: 'queue-timeout' }])
    expect(result.state.running.map(({ id }) => id)).toEqual(['a'])
  })

  test('a deadline passes, waiting or running; the slot is given away in the same step', () => {
    const hurried = { deadlineMs: 100, admitByMs: 100 }
    const state = stateWith(
      { slots: 1 },
      sequence('a', 3, hurried),
      sequence('b', 3, hurried),
      sequence('c', 3),
    )
    const result = step(step(state, 5, 50).state, 5, 100)
    expect(result.ended).toEqual([
      { id: 'b', end: 'expired' },
      { id: 'a', end: 'expired' },
    ])
    expect(result.state.running.map(({ id }) => id)).toEqual(['c'])
  })
})

describe('the queue', () => {
  const refusedOf = (state: SchedulerState, nowMs = 0) => shed(state, nowMs).ended.map(({ id }) => id)

  test('is bounded, and the bound is reached only when the slots are spoken for', () => {
    let state = stateWith({ slots: 1, maxWaiting: 1 }, sequence('a', 3), sequence('b', 3))
    expect(refusedOf(state)).toEqual([])
    expect(refusedOf(submit(state, sequence('c', 3), 0))).toEqual(['c'])
    state = step(state).state
    const full = shed(submit(state, sequence('c', 3), 0), 0)
    expect(full).toMatchObject({ ended: [{ id: 'c', end: 'refused' }], state: { waiting: [{ id: 'b' }] } })
    expect(refusedOf(submit(cancel(state, 'b'), sequence('c', 3), 0))).toEqual([])
  })

  test('one tenant’s many, and the less urgent, don’t keep others out', () => {
    const full = { slots: 1, maxWaiting: 3 }
    const many = ['a', 'b', 'c', 'd'].map(id => sequence(id, 3, { tenant: 'many' }))
    const state = step(stateWith(full, ...many)).state
    expect(refusedOf(submit(state, sequence('e', 3, { tenant: 'many' }), 0))).toEqual(['e'])
    expect(refusedOf(submit(state, sequence('e', 3, { tenant: 'few' }), 0))).toEqual(['d'])
    expect(refusedOf(submit(state, sequence('e', 3, { tenant: 'many', priority: 'high' }), 0))).toEqual(['d'])
    expect(refusedOf(submit(state, sequence('e', 3, { tenant: 'few', priority: 'low' }), 0))).toEqual(['e'])
  })

  test('never refuses who has begun to answer', () => {
    let state = stateWith({ slots: 1, maxWaiting: 0 }, sequence('low', 3, { priority: 'low' }))
    state = submit(step(state).state, sequence('high', 3, { priority: 'high' }), 0)
    expect(refusedOf(state)).toEqual(['high'])
    state = step(state).state
    expect(state.waiting.map(({ id }) => id)).toEqual(['low'])
    expect(refusedOf(state)).toEqual([])
  })

  test('refuses what can never run and what is there already', () => {
    const state = stateWith({}, sequence('a', 3))
    expect(() => submit(state, sequence('a', 3), 0)).toThrow(RangeError)
    expect(() => submit(state, sequence('b', 33), 0)).toThrow(RangeError)
    expect(() => submit(state, sequence('b', 0), 0)).toThrow(RangeError)
    expect(() => submit(state, sequence('b', 3, { maxTokens: 0 }), 0)).toThrow(RangeError)
  })
})

describe('fairness', () => {
  function admissionOrder(sequences: NewSequence[]): string[] {
    let state = stateWith({ slots: 1, maxWaiting: 20 }, ...sequences)
    const order: string[] = []
    while (state.waiting.length + state.running.length > 0) {
      const result = step(state, 99)
      for (const { id } of result.ended) order.push(id)
      state = result.state
    }
    return order
  }

  test('one tenant: first come, first served', () => {
    expect(admissionOrder(['a', 'b', 'c'].map(id => sequence(id, 3)))).toEqual(['a', 'b', 'c'])
  })

  test('tenants take turns, however much one of them sends', () => {
    const many = ['m1', 'm2', 'm3', 'm4'].map(id => sequence(id, 3, { tenant: 'many' }))
    const few = ['f1', 'f2'].map(id => sequence(id, 3, { tenant: 'few' }))
    expect(admissionOrder([...many, ...few])).toEqual(['m1', 'f1', 'm2', 'f2', 'm3', 'm4'])
  })

  test('the tenant with fewer running sequences gets the free slot', () => {
    const state = step(
      stateWith({ slots: 3 }, sequence('a1', 3, { tenant: 'a' }), sequence('a2', 3, { tenant: 'a' })),
    ).state
    const a3 = submit(state, sequence('a3', 3, { tenant: 'a' }), 0)
    const both = submit(a3, sequence('b1', 3, { tenant: 'b' }), 0)
    expect(step(both).state.running.map(({ id }) => id)).toEqual(['a1', 'a2', 'b1'])
  })

  test('who comes anew is not served before a tenant that has waited since', () => {
    let state = stateWith({ slots: 1, maxWaiting: 20 }, sequence('a1', 3, { tenant: 'a' }))
    state = submit(state, sequence('a2', 3, { tenant: 'a' }), 0)
    const order: string[] = []
    for (let newcomer = 0; newcomer < 5; newcomer++) {
      state = submit(state, sequence(`n${newcomer}`, 3, { tenant: `new ${newcomer}` }), 0)
      const result = step(state, 99)
      order.push(...result.ended.map(({ id }) => id))
      state = result.state
    }
    expect(order.indexOf('a2')).toBeLessThan(3)
  })

  test('who is next and finds no room lets nobody pass', () => {
    let state = step(stateWith({ slots: 2, kvPositions: 40 }, sequence('a', 20))).state
    for (const next of [sequence('large', 24), sequence('small', 3)]) state = submit(state, next, 0)
    state = step(state).state
    expect(state.running.map(({ id }) => id)).toEqual(['a'])
    state = step(cancel(state, 'a')).state
    expect(state.running.map(({ id }) => id)).toEqual(['large', 'small'])
  })
})

describe('prefix reuse', () => {
  const shared = (id: string, promptLength: number) => {
    const fresh = sequence(id, promptLength)
    return { ...fresh, prompt: { ...fresh.prompt, scope: 'shared' } }
  }

  test('in place, when the slot is free', () => {
    const { state } = step(stateWith({}, shared('a', 6)), 99)
    const { plan } = step(submit(state, shared('b', 8), 0))
    expect(plan.moves).toEqual([])
    expect(planned(plan).prefills).toEqual([['b', 6, 2, true]])
  })

  test('by a copy, when the slot is taken', () => {
    const { state } = step(stateWith({}, shared('a', 6)))
    const { plan } = step(submit(state, shared('b', 8), 0))
    expect(plan.moves).toEqual([{ kind: 'copy', from: 0, to: 1, positions: 6 }])
    expect(plan.slotLengths).toEqual([6, 6])
    expect(planned(plan).prefills).toEqual([['b', 6, 2, true]])
  })

  test('whoever comes second waits for the first to compute what both need', () => {
    let result = step(stateWith({}, shared('a', 12), shared('b', 12)))
    expect(planned(result.plan).prefills).toEqual([['a', 0, 8, false]])
    result = step(result.state)
    expect(planned(result.plan).prefills).toEqual([['a', 8, 4, true]])
    result = step(result.state)
    expect(result.plan.moves).toEqual([{ kind: 'copy', from: 0, to: 1, positions: 10 }])
    expect(planned(result.plan).prefills).toEqual([['b', 10, 2, true]])
  })

  test('whoever is computed together is put side by side; what is in the way moves', () => {
    const other = (id: string) => sequence(id, 9, { prompt: { ...sequence(id, 9).prompt, scope: id } })
    let state = stateWith({ slots: 4, prefillBudgetIdle: 64 }, other('a'), other('b'), other('c'), other('d'))
    state = step(state, 99).state
    // All four are free and hold something; d speaks again, in its own slot 3.
    const again = (id: string) => ({ ...other(id), id: `${id}2`, prompt: { ...other(id).prompt, scope: id } })
    state = step(submit(state, again('d'), 0)).state
    // a speaks again too: what slot 2 holds goes to slot 0, and a's beginning comes to slot 2.
    const result = step(submit(state, again('a'), 0))
    expect(result.plan.moves).toEqual([{ kind: 'swap', from: 0, to: 2, positions: 9 }])
    expect(result.state.running.map(({ id, slot, reused }) => [id, slot, reused])).toEqual([
      ['d2', 3, 7],
      ['a2', 2, 7],
    ])
    expect(result.state.slots[0]).toMatchObject({ kind: 'free', held: { prompt: { scope: 'c' }, length: 9 } })
  })

  test('a short common prefix does not cost a longer content its place', () => {
    const long = step(stateWith({ prefillBudgetIdle: 64 }, shared('a', 20)), 99).state
    const other = { ...shared('b', 8), prompt: { ...shared('b', 8).prompt, ids: [0, 1, 2, 9, 9, 9, 9, 9] } }
    const { plan, state } = step(submit(long, other, 0), 99)
    expect(plan.moves).toEqual([{ kind: 'copy', from: 0, to: 1, positions: 3 }])
    const again = step(submit(state, shared('c', 20), 0))
    expect(planned(again.plan).prefills).toEqual([['c', 18, 2, true]])
  })
})
