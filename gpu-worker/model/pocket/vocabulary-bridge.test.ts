import { expect, it } from 'vitest'
import { tinyTokenizer } from '../../text/tiny-tokenizer.ts'
import { EmbeddingTable } from '../embedding-table.ts'
import { createVocabularyBridge } from './vocabulary-bridge.ts'

const speech = tinyTokenizer([
  ['h', 'i'],
  ['h', 'o'],
])
const language = tinyTokenizer([['h', 'i']])

/** The embedding of id k is [k - 128, 0] for bytes: quantized value k, zero point 128, scale 1. */
const rows = Array.from({ length: language.size }, (_, id) => [Math.min(id, 255), 128]).flat()
const scales = new Uint8Array(new Float32Array(language.size).fill(1).buffer)
const table = new EmbeddingTable(Uint8Array.of(...rows, ...scales), {
  vocabulary: language.size,
  hidden: 2,
  embedding: { block_size: 2, zero_point: 128 },
})
const bridge = createVocabularyBridge(speech, language, table)

it('mixes the shared alternatives by their probabilities', () => {
  const step = { ids: [130, 132, 257], probabilities: [0.6, 0.2, 0.2] }
  // 'ho' (257) is not in the language vocabulary: the others share its weight.
  expect(bridge.embed([step])[0]).toBeCloseTo(0.75 * 2 + 0.25 * 4, 5)
})

it('spells a piece that is not shared with the pieces of its text', () => {
  const embeddings = bridge.embed([{ ids: [257, 130], probabilities: [0.9, 0.1] }])
  expect(embeddings).toHaveLength(4)
  expect([embeddings[0], embeddings[2]]).toEqual(['h', 'o'].map(c => c.charCodeAt(0) - 128))
})

it('is empty when nothing was heard', () => {
  expect(bridge.embed([])).toHaveLength(0)
})
