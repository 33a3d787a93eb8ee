import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { BloomFilter } from '../protocol/bloom-filter.ts'
import {
  type AudioKey,
  type Candidate,
  chooseWorker,
  servedModels,
  type Wish,
  type WorkerState,
} from './choose.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const ready = (...models: string[]): WorkerState => ({
  kind: 'ready',
  models,
  load: { running: 0, waiting: 0, slots: 4 },
  cachedAudio: null,
  checkedAtMs: 0,
})
const holding = (...ids: string[]): WorkerState => ({
  ...(ready('x') as Extract<WorkerState, { kind: 'ready' }>),
  cachedAudio: BloomFilter.of(ids),
})
const loading = (...models: string[]): WorkerState => ({ kind: 'not-ready', models, checkedAtMs: 0 })
const gone = (models: string[] | null): WorkerState => ({ kind: 'unreachable', models, checkedAtMs: 0 })

function candidate(id: string, state: WorkerState, changes: Partial<Candidate> = {}): Candidate {
  const address = { id, url: `http://${id}` }
  const idle = {
    busy: 0,
    slots: 4,
    waitMs: 0,
    serviceMs: 300,
    full: false,
    standing: { kind: 'trusted' },
    inFlight: 0,
  } as const
  return { address, state, ...idle, ...changes }
}
const fleet = (states: Record<string, WorkerState>): Candidate[] =>
  Object.entries(states).map(([id, state]) => candidate(id, state))

function choose(workers: readonly Candidate[], wish: Partial<Wish> = {}) {
  const bounds = { excluded: new Set<string>(), maxWaitMs: 1_000, patienceMs: Number.POSITIVE_INFINITY }
  return chooseWorker(workers, { model: 'x', audio: [], turn: 0, ...bounds, ...wish })
}
function chosenId(workers: readonly Candidate[], wish: Partial<Wish> = {}): string {
  const choice = choose(workers, wish)
  return choice.kind === 'worker' ? choice.candidate.address.id : choice.kind
}
const content = (key: string): AudioKey[] => [{ kind: 'content', key }]

describe('without audio', () => {
  test('takes turns among those that are ready, serve the model and are equally busy', () => {
    const workers = fleet({ a: ready('x'), b: ready('x', 'y'), c: ready('y'), d: loading('x') })
    expect([0, 1, 2, 3].map(turn => chosenId(workers, { turn }))).toEqual(['a', 'b', 'a', 'b'])
  })

  test('takes the one that is free first, then the least busy for its size', () => {
    const workers = [
      candidate('a', ready('x'), { busy: 9, waitMs: 500 }),
      candidate('b', ready('x'), { busy: 3 }),
      candidate('c', ready('x'), { busy: 4, slots: 8 }),
    ]
    expect([0, 1, 2].map(turn => chosenId(workers, { turn }))).toEqual(['c', 'c', 'c'])
  })

  test('spreads any number of requests evenly', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 50 }), (count, rounds) => {
        const workers = Array.from({ length: count }, (_, i) => candidate(`w${i}`, ready('x')))
        const hits = new Map<string, number>()
        for (let turn = 0; turn < count * rounds; turn++) {
          const id = chosenId(workers, { turn })
          hits.set(id, (hits.get(id) ?? 0) + 1)
        }
        expect([...hits.values()]).toEqual(Array.from({ length: count }, () => rounds))
      }),
    )
  })
})

test('never chooses an excluded one', () => {
  const workers = fleet({ a: ready('x'), b: ready('x') })
  expect(chosenId(workers, { excluded: new Set(['a']) })).toBe('b')
  expect(choose(workers, { excluded: new Set(['a', 'b']) })).toEqual({ kind: 'unavailable' })
})

describe('with audio', () => {
  const keys = Array.from({ length: 600 }, (_, index) => `audio-${index}`)
  const five = ['a', 'b', 'c', 'd', 'e'].map(id => candidate(id, ready('x')))

  test('the same audio goes to the same worker, and all get their share', () => {
    const homes = keys.map(key => chosenId(five, { audio: content(key), turn: key.length }))
    expect(keys.map(key => chosenId(five.toReversed(), { audio: content(key) }))).toEqual(homes)
    for (const { address } of five) {
      expect(homes.filter(home => home === address.id).length).toBeGreaterThan(600 / 5 / 1.5)
    }
  })

  test('a worker with twice the slots gets twice the audio', () => {
    const workers = [candidate('a', ready('x'), { slots: 16 }), candidate('b', ready('x'), { slots: 8 })]
    const atA = keys.filter(key => chosenId(workers, { audio: content(key) }) === 'a').length
    expect(atA / (600 - atA)).toBeGreaterThan(1.6)
    expect(atA / (600 - atA)).toBeLessThan(2.5)
  })

  test('when a worker leaves, only its own audio moves', () => {
    const homes = keys.map(key => chosenId(five, { audio: content(key) }))
    const without = five.filter(({ address }) => address.id !== 'c')
    const moved = keys.filter((key, i) => chosenId(without, { audio: content(key) }) !== homes[i])
    expect(moved).toEqual(keys.filter((_, i) => homes[i] === 'c'))
  })

  test('stays while its worker has a slot free, and leaves it when it has more than its share to do', () => {
    const home = chosenId(five, { audio: content('k') })
    const withBusy = (busy: number, others: number) =>
      five.map(each => ({ ...each, busy: each.address.id === home ? busy : others }))
    expect(chosenId(withBusy(3, 0), { audio: content('k') })).toBe(home)
    expect(chosenId(withBusy(4, 0), { audio: content('k') })).not.toBe(home)
    expect(chosenId(withBusy(9, 9), { audio: content('k') })).toBe(home)
  })

  test('no worker gets more than its share and a quarter, whatever is asked', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 9 }),
        fc.string(),
        (busyOf, key) => {
          const workers = busyOf.map((busy, i) => candidate(`w${i}`, ready('x'), { busy }))
          const choice = choose(workers, { audio: content(key) })
          if (choice.kind !== 'worker') throw new Error(choice.kind)
          const mean = (busyOf.reduce((a, b) => a + b, 0) + 1) / busyOf.length
          expect(choice.candidate.busy + 1).toBeLessThanOrEqual(Math.max(4, Math.ceil(1.25 * mean)))
        },
      ),
    )
  })

  test('an id goes to the worker that holds it, however busy, where one says so', () => {
    const workers = [
      candidate('a', holding('1', '2'), { busy: 12 }),
      candidate('b', holding('2')),
      candidate('c', holding()),
    ]
    const ids = (...all: string[]): AudioKey[] => all.map(id => ({ kind: 'cached', id }))
    expect(chosenId(workers, { audio: ids('1') })).toBe('a')
    expect(chosenId(workers, { audio: ids('2', '1') })).toBe('a')
    expect(['a', 'b', 'c']).toContain(chosenId(workers, { audio: ids('3') }))
  })
})

describe('those that are not well', () => {
  const ejected = { standing: { kind: 'ejected', untilMs: 9 } } as const
  const onTrial = { standing: { kind: 'on-trial' } } as const

  test('an ejected one is left alone while there is another', () => {
    const workers = [candidate('a', ready('x'), ejected), candidate('b', ready('x'), { busy: 3 })]
    expect(chosenId(workers)).toBe('b')
    expect(chosenId(workers, { excluded: new Set(['b']) })).toBe('a')
  })

  test('one on trial gets one request, that has not failed elsewhere', () => {
    const workers = [
      candidate('a', ready('x'), onTrial),
      candidate('b', ready('x')),
      candidate('c', ready('x')),
    ]
    expect(chosenId(workers)).toBe('a')
    expect(chosenId(workers, { excluded: new Set(['b']) })).toBe('c')
    expect(chosenId([{ ...workers[0]!, inFlight: 1 }, workers[1]!])).toBe('b')
  })

  test('one that is full or would let wait too long gets nothing', () => {
    const full = candidate('a', ready('x'), { full: true })
    const slow = candidate('b', ready('x'), { waitMs: 5_000, busy: 9 })
    expect(chosenId([full, candidate('c', ready('x'), { busy: 3 })])).toBe('c')
    expect(choose([slow], {})).toEqual({ kind: 'overloaded', waitMs: 5_000, excessMs: 4_000 })
    expect(chosenId([slow], { maxWaitMs: 5_000 })).toBe('b')
    expect(choose([full, slow])).toMatchObject({ kind: 'overloaded', waitMs: 0 })
  })

  test('one where a request would wait so long that there is no time for its answer gets nothing', () => {
    const busy = candidate('a', ready('x'), { waitMs: 500, busy: 9 })
    expect(chosenId([busy], { patienceMs: 800 })).toBe('a')
    expect(choose([busy], { patienceMs: 799 })).toEqual({ kind: 'overloaded', waitMs: 500, excessMs: 1 })
    // It may be a short one.
    expect(chosenId([candidate('a', ready('x'))], { patienceMs: 10 })).toBe('a')
  })
})

describe('when there is none', () => {
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
      { a: ready('y'), b: { kind: 'incompatible', checkedAtMs: 0 } },
      { kind: 'unavailable' },
    ],
  ])('when %s', (_name, states, choice) => {
    expect(choose(fleet(states), { turn: 5 })).toEqual(choice)
  })
})

test('servedModels lists each model once, in any state', () => {
  expect(servedModels(fleet({ a: ready('x', 'y'), b: loading('y', 'z'), c: gone(null) }))).toEqual([
    'x',
    'y',
    'z',
  ])
})
