import { expect, test } from 'vitest'
import { KvCache } from './kv-cache.ts'

const layout = { layers: 2, kvHeads: 2, headDim: 4, slots: 3, slotCapacity: 5 }

test('views of neighbouring slots are one range of the same memory', () => {
  const cache = new KvCache(layout)
  const [[suffix, both]] = cache.view(1, 2) as [[string, ReturnType<KvCache['view']>[0][1]]]
  const [[, second]] = cache.view(2, 1) as [[string, ReturnType<KvCache['view']>[0][1]]]
  expect(suffix).toBe('key_0')
  // One position more than a sequence may use.
  expect(both.dims).toEqual([2, 2, 6, 4])
  both.data[both.data.length - 1] = 7
  expect(second.data.at(-1)).toBe(7)
  expect(cache.view(0, 3).map(([name]) => name)).toEqual(['key_0', 'value_0', 'key_1', 'value_1'])
})

test('a copy takes the first positions of every head, layer and side', () => {
  const cache = new KvCache(layout)
  for (const [, view] of cache.view(0, 1)) view.data.set(view.data.map((_, index) => index + 1))
  cache.move({ kind: 'copy', from: 0, to: 2, positions: 3 })
  for (const [, view] of cache.view(2, 1)) {
    const expected = Array.from(view.data, (_, index) => (index % 24 < 12 ? index + 1 : 0))
    expect(Array.from(view.data)).toEqual(expected)
  }
  for (const [, view] of cache.view(1, 1)) expect(view.data.every(value => value === 0)).toBe(true)
})

test('a swap exchanges the first positions, and is its own inverse', () => {
  const cache = new KvCache(layout)
  const [[, all]] = cache.view(0, 3) as [[string, ReturnType<KvCache['view']>[0][1]]]
  all.data.set(all.data.map((_, index) => index + 1))
  const before = all.data.slice()
  const swap = { kind: 'swap', from: 2, to: 0, positions: 2 } as const
  cache.move(swap)
  expect(all.data.subarray(0, 8)).toEqual(before.subarray(96, 104))
  expect(all.data.subarray(96, 104)).toEqual(before.subarray(0, 8))
  expect(all.data.subarray(8, 24)).toEqual(before.subarray(8, 24))
  cache.move(swap)
  expect(all.data).toEqual(before)
})

test('says what it costs', () => {
  const cache = new KvCache(layout)
  expect(cache.bytesPerPosition).toBe(2 * 2 * 2 * 4 * 4)
  expect(cache.bytesReserved).toBe(cache.bytesPerPosition * 6 * 3)
})
