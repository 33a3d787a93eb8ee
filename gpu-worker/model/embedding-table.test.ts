import { mkdtemp, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, it } from 'vitest'
import { EmbeddingTable, HalfEmbeddings } from './embedding-table.ts'

const LAYOUT = { vocabulary: 2, hidden: 4, embedding: { block_size: 2, zero_point: 128 } } as const

/** Two rows of four values in blocks of two. */
function table() {
  const quantized = Uint8Array.of(128, 129, 130, 127, 0, 255, 128, 128)
  const scales = new Uint8Array(Float32Array.of(0.5, 2, 1, 4).buffer)
  return new EmbeddingTable(Buffer.of(...quantized, ...scales), LAYOUT)
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
  expect(() => new EmbeddingTable(new Uint8Array(5), LAYOUT)).toThrow('5 bytes instead of 24')
})

it('reads rows in 16 bits from where they lie in the file', async () => {
  const path = join(await mkdtemp(join(tmpdir(), 'auricle-')), 'embedding.bin')
  await writeFile(path, new Uint8Array(Float16Array.of(1, -2, 0.5, 65504, 3, 6e-8, 0, -0.25).buffer))
  const rows = new HalfEmbeddings(path, { vocabulary: 2, hidden: 4 })
  const target = new Float32Array(10).fill(9)
  rows.lookup(1, target, 1)
  rows.lookup(0, target, 5)
  expect([...target]).toEqual([9, 3, 2 ** -24, 0, -0.25, 1, -2, 0.5, 65504, 9])
  expect(() => rows.lookup(2, target)).toThrow('token 2 is not in the vocabulary')
  expect(() => new HalfEmbeddings(path, { vocabulary: 3, hidden: 4 })).toThrow('16 bytes instead of 24')
  rows.close()
  rows.close()
  expect(() => rows.lookup(0, target)).toThrow('closed')
})
