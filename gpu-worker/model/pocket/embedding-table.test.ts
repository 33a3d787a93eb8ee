import { expect, it } from 'vitest'
import { EmbeddingTable } from './embedding-table.ts'

/** Two rows of four values in blocks of two. */
function table() {
  const quantized = Uint8Array.of(128, 129, 130, 127, 0, 255, 128, 128)
  const scales = new Uint8Array(Float32Array.of(0.5, 2, 1, 4).buffer)
  const layout = { vocabulary: 2, hidden: 4, blockSize: 2, zeroPoint: 128 }
  return new EmbeddingTable(Buffer.of(...quantized, ...scales), layout)
}

it('de-quantizes a row, block by block', () => {
  const row = new Float32Array(6).fill(9)
  table().lookup(0, row, 1)
  expect([...row]).toEqual([9, 0, 0.5, 4, -2, 9])
})

it('adds weighted rows', () => {
  const row = new Float32Array(4)
  table().addRow(0, 0.5, row, 0)
  table().addRow(1, 0.25, row, 0)
  expect([...row]).toEqual([-32, 0.25 + 31.75, 2, -1])
})

it('refuses a file of the wrong size and an id out of range', () => {
  expect(() => table().lookup(2, new Float32Array(4))).toThrow(RangeError)
  const layout = { vocabulary: 2, hidden: 4, blockSize: 2, zeroPoint: 128 }
  expect(() => new EmbeddingTable(new Uint8Array(5), layout)).toThrow('5 bytes instead of 24')
})
