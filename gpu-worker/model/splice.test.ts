import { expect, it } from 'vitest'
import { spliceAudio } from './splice.ts'

/** Every row of the table is [id, id]. */
const table = {
  hiddenSize: 2,
  lookup(id: number, target: Float32Array, offset = 0) {
    target.fill(id, offset, offset + 2)
  },
}

it('replaces the placeholders by the audios, in order', () => {
  const audios = [
    { ids: [9, 7, 7], rows: Float32Array.of(0.1, 0.2, 0.3, 0.4) },
    { ids: [7], rows: Float32Array.of(0.5, 0.6) },
  ]
  const { ids, embeddings } = spliceAudio([1, 9, 7, 7, 2, 7], audios, 7, table)
  expect([...ids]).toEqual([1, 9, 7, 7, 2, 7])
  expect([...embeddings]).toEqual([...Float32Array.of(1, 1, 9, 9, 0.1, 0.2, 0.3, 0.4, 2, 2, 0.5, 0.6)])
})

it('refuses placeholders without an embedding, and embeddings without a placeholder', () => {
  const audio = { ids: [7], rows: Float32Array.of(0.5, 0.6) }
  expect(() => spliceAudio([7, 7], [audio], 7, table)).toThrow('2 audio placeholders for 1')
  expect(() => spliceAudio([1], [audio], 7, table)).toThrow('0 audio placeholders for 1')
})
