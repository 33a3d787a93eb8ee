import { expect, test } from 'vitest'
import type { Tensor } from '../runtime/tensor.ts'
import { KvCache } from './kv-cache.ts'
import type { SlotMove } from './plan.ts'

const type = 'float32'
const layout = { layers: 2, kvHeads: 2, headDim: 4, type, slots: 3, slotCapacity: 5, kvBytes: null } as const

/** The views' arrays, in JavaScript's memory. */
function arrays(cache: KvCache, first: number, count: number): Tensor<'float32'>[] {
  return cache.view(first, count).map(([, view]) => view as Tensor<'float32'>)
}

function moveAll(cache: KvCache, move: SlotMove): void {
  for (const _ of cache.move(move));
}

test('views of neighbouring slots are one range of the same memory', () => {
  const cache = new KvCache(layout)
  const [both, second] = [arrays(cache, 1, 2)[0]!, arrays(cache, 2, 1)[0]!]
  // One position more than a sequence may use.
  expect(both.dims).toEqual([2, 2, 6, 4])
  both.data[both.data.length - 1] = 7
  expect(second.data.at(-1)).toBe(7)
  expect(cache.view(0, 3).map(([name]) => name)).toEqual(['key_0', 'value_0', 'key_1', 'value_1'])
})

test('a copy takes the first positions of every head, layer and side', () => {
  const cache = new KvCache(layout)
  for (const view of arrays(cache, 0, 1)) view.data.set(view.data.map((_, index) => index + 1))
  moveAll(cache, { kind: 'copy', from: 0, to: 2, positions: 3 })
  for (const view of arrays(cache, 2, 1)) {
    const expected = Array.from(view.data, (_, index) => (index % 24 < 12 ? index + 1 : 0))
    expect(Array.from(view.data)).toEqual(expected)
  }
  for (const view of arrays(cache, 1, 1)) expect(view.data.every(value => value === 0)).toBe(true)
})

test('a swap exchanges the first positions, and is its own inverse', () => {
  const cache = new KvCache(layout)
  const all = arrays(cache, 0, 3)[0]!
  all.data.set(all.data.map((_, index) => index + 1))
  const before = all.data.slice()
  const swap = { kind: 'swap', from: 2, to: 0, positions: 2 } as const
  moveAll(cache, swap)
  expect(all.data.subarray(0, 8)).toEqual(before.subarray(96, 104))
  expect(all.data.subarray(96, 104)).toEqual(before.subarray(0, 8))
  expect(all.data.subarray(8, 24)).toEqual(before.subarray(8, 24))
  moveAll(cache, swap)
  expect(all.data).toEqual(before)
})

test('says what it costs', () => {
  const cache = new KvCache(layout)
  expect(cache.bytesPerPosition).toBe(2 * 2 * 2 * 4 * 4)
  expect(cache.budget).toBe(3 * 5)
  expect(new KvCache({ ...layout, kvBytes: cache.bytesPerPosition * 7 + 1 }).budget).toBe(7)
  expect(new KvCache({ ...layout, type: 'int8' }).bytesPerPosition).toBe(cache.bytesPerPosition / 4)
})

test('memory is taken when it is written, and given back beyond the budget', () => {
  const sizes = { layers: 1, kvHeads: 2, headDim: 64, type, slots: 2, slotCapacity: 511 } as const
  const bytesPerPosition = 2 * 2 * 64 * 4
  const cache = new KvCache({ ...sizes, kvBytes: 600 * bytesPerPosition })
  expect(cache.bytesTaken).toBe(0)
  cache.take([0, 0], [500, 1])
  expect(cache.bytesTaken).toBe(501 * bytesPerPosition)
  for (const { data } of arrays(cache, 0, 1)) data.fill(1)
  // Slot 0 keeps 100; slot 1 needs more than is left beside 500.
  cache.take([100, 1], [100, 300])
  expect(cache.bytesTaken).toBe(400 * bytesPerPosition)
  for (const { data } of arrays(cache, 0, 1)) {
    for (const head of [data.subarray(0, 512 * 64), data.subarray(512 * 64)]) {
      expect(head.subarray(0, 100 * 64).every(value => value === 1)).toBe(true)
      // A page is 16 of these positions. Where the system can't take them back they keep their values.
      if (process.platform === 'linux') {
        expect(head.subarray(116 * 64, 484 * 64).every(value => value === 0)).toBe(true)
      }
    }
  }
})

test('a move takes memory too', () => {
  const cache = new KvCache(layout)
  cache.take([0, 0, 0], [3, 0, 0])
  moveAll(cache, { kind: 'copy', from: 0, to: 2, positions: 3 })
  expect(cache.bytesTaken).toBe(6 * cache.bytesPerPosition)
})
