import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { chooseWorker, type KnownWorker, servedModels, type WorkerState } from './choose.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const ready = (...models: string[]): WorkerState => ({ kind: 'ready', models, checkedAtMs: 0 })
const loading = (...models: string[]): WorkerState => ({ kind: 'not-ready', models, checkedAtMs: 0 })
const gone = (models: string[] | null): WorkerState => ({ kind: 'unreachable', models, checkedAtMs: 0 })
const fleet = (states: Record<string, WorkerState>): KnownWorker[] =>
  Object.entries(states).map(([id, state]) => ({ address: { id, url: `http://${id}` }, state }))

describe('chooseWorker', () => {
  test('takes turns among those that are ready and serve the model', () => {
    const workers = fleet({ a: ready('x'), b: ready('x', 'y'), c: ready('y'), d: loading('x') })
    const chosen = [0, 1, 2, 3].map(turn => chooseWorker(workers, 'x', turn))
    expect(chosen.map(choice => choice.kind === 'worker' && choice.address.id)).toEqual(['a', 'b', 'a', 'b'])
  })

  test('never chooses an excluded one', () => {
    const workers = fleet({ a: ready('x'), b: ready('x') })
    expect(chooseWorker(workers, 'x', 0, new Set(['a']))).toMatchObject({ address: { id: 'b' } })
    expect(chooseWorker(workers, 'x', 0, new Set(['a', 'b']))).toEqual({ kind: 'unavailable' })
  })

  test.each<[string, Record<string, WorkerState>, object]>([
    ['there is no worker', {}, { kind: 'unavailable' }],
    [
      'all said what they serve',
      { a: ready('y'), b: gone(['z']) },
      { kind: 'model-unknown', models: ['y', 'z'] },
    ],
    ['one never spoke', { a: ready('y'), b: gone(null) }, { kind: 'unavailable' }],
    ['one was not asked yet', { a: { kind: 'unknown' } }, { kind: 'unavailable' }],
    ['the one that serves it loads', { a: ready('y'), b: loading('x') }, { kind: 'unavailable' }],
    ['one loads and does not say what', { a: ready('y'), b: loading() }, { kind: 'unavailable' }],
    ['the one that serves it is gone', { a: ready('y'), b: gone(['x']) }, { kind: 'unavailable' }],
    [
      'one is incompatible',
      { a: { kind: 'incompatible', checkedAtMs: 0 } },
      { kind: 'model-unknown', models: [] },
    ],
  ])('when %s', (_name, states, choice) => {
    expect(chooseWorker(fleet(states), 'x', 5)).toEqual(choice)
  })

  test('spreads any number of requests evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 50 }), (count, rounds) => {
        const workers = fleet(
          Object.fromEntries(Array.from({ length: count }, (_, i) => [`w${i}`, ready('x')])),
        )
        const hits = new Map<string, number>()
        for (let turn = 0; turn < count * rounds; turn++) {
          const choice = chooseWorker(workers, 'x', turn)
          if (choice.kind === 'worker') hits.set(choice.address.id, (hits.get(choice.address.id) ?? 0) + 1)
        }
        expect([...hits.values()]).toEqual(Array.from({ length: count }, () => rounds))
      }),
    )
  })
})

test('servedModels lists each model once, in any state', () => {
  expect(servedModels(fleet({ a: ready('x', 'y'), b: loading('y', 'z'), c: gone(null) }))).toEqual([
    'x',
    'y',
    'z',
  ])
})
