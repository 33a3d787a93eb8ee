import { expect, test } from 'vitest'
import type { DecodeRow } from './plan.ts'
import { toSlotRanges } from './slot-ranges.ts'

const row = (slot: number, checkpoint: string | null = null): DecodeRow => ({
  id: `s${slot}`,
  checkpoint,
  slot,
  token: 0,
  position: 10,
  samples: true,
  drafts: [],
})
const divided = (rows: DecodeRow[], slotLengths: number[] = new Array(16).fill(10)) =>
  toSlotRanges(rows, slotLengths).map(({ first, count, rows }) => [
    first,
    count,
    rows.map(({ slot }) => slot),
  ])

test('neighbours run together, small gaps too', () => {
  expect(divided([row(1), row(2), row(5)])).toEqual([[1, 5, [1, 2, 5]]])
})

test('a wide gap, or one of long slots, is worth a run of its own', () => {
  expect(divided([row(0), row(9)])).toEqual([
    [0, 1, [0]],
    [9, 1, [9]],
  ])
  const lengths = new Array(16).fill(10).with(1, 1500)
  expect(divided([row(0), row(2)], lengths)).toEqual([
    [0, 1, [0]],
    [2, 1, [2]],
  ])
})

test('each checkpoint runs alone', () => {
  expect(divided([row(0), row(1, 'tuned'), row(2), row(3, 'tuned')])).toEqual([
    [0, 3, [0, 2]],
    [1, 3, [1, 3]],
  ])
})

test('nothing to decode, nothing to run', () => {
  expect(divided([])).toEqual([])
})
