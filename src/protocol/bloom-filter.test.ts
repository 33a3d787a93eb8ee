import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { BloomFilter, BloomFilterData } from './bloom-filter.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

test('holds all that was put in, also after it has been sent', () => {
  fc.assert(
    fc.property(fc.uniqueArray(fc.string({ maxLength: 80 }), { maxLength: 300 }), ids => {
      const data = BloomFilterData.parse(JSON.parse(JSON.stringify(BloomFilter.of(ids).toData())))
      const received = BloomFilter.parse(data)
      expect(ids.filter(id => !received.has(id))).toEqual([])
    }),
  )
})

test('takes about one absent id in a hundred for present, at ten bits an id', () => {
  const ids = Array.from({ length: 2_000 }, (_, index) => `audio-${index}`)
  const filter = BloomFilter.of(ids)
  const wrong = Array.from({ length: 20_000 }, (_, index) => `other-${index}`).filter(id => filter.has(id))
  expect(wrong.length).toBeLessThan(20_000 * 0.02)
  expect(filter.toData().bits.length).toBeLessThan(2_000 * 2)
})

test('an empty one holds nothing', () => {
  expect(BloomFilter.of([]).has('a')).toBe(false)
  expect(BloomFilter.parse({ hashes: 3, bits: '' }).has('a')).toBe(false)
})

test.each([
  { hashes: 0, bits: '' },
  { hashes: 100, bits: '' },
  { hashes: 2, bits: '%' },
  { hashes: 2, bits: 'A'.repeat(1_000_000) },
])('%o is no filter', data => {
  expect(BloomFilterData.safeParse(data).success).toBe(false)
})
