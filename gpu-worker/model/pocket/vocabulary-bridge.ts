/**
 * From Whisper's vocabulary to the language model's embeddings, with nothing trained.
 *
 * Both vocabularies are byte-level BPE, so a piece that stands in both is the same string: 36,961 of Whisper's
 * 50,257 pieces do. One step of Whisper's decoder is a distribution over pieces; its speech token is the same
 * mixture of the language model's embedding rows, so that "bees, or bays" reaches the language model as both.
 */
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { EmbeddingTable } from '../embedding-table.ts'
import type { HeardStep } from '../whisper/listener.ts'

export interface VocabularyBridge {
  /** Speech tokens of the steps: [count, hidden] f32, count >= steps where pieces are not shared. */
  embed(steps: readonly HeardStep[]): Float32Array
}

/** Builds the bridge between two vocabularies; takes some tens of milliseconds. */
export function createVocabularyBridge(
  speech: Tokenizer,
  language: Tokenizer,
  table: EmbeddingTable,
): VocabularyBridge {
  const shared = new Int32Array(speech.size).fill(-1)
  for (const [piece, id] of speech.pieces) shared[id] = language.pieces.get(piece) ?? -1

  function embed(steps: readonly HeardStep[]): Float32Array {
    const rows: { id: number; weight: number }[][] = []
    for (const { ids, probabilities } of steps) {
      const best = ids[0]!
      if (shared[best] === -1) {
        // The best piece isn't shared: the language model's own pieces of its text, without alternatives.
        for (const id of language.encode(speech.decode([best]))) rows.push([{ id, weight: 1 }])
        continue
      }
      const known = ids
        .map((id, k) => ({ id: shared[id]!, weight: probabilities[k]! }))
        .filter(alternative => alternative.id !== -1)
      const total = known.reduce((sum, alternative) => sum + alternative.weight, 0)
      rows.push(known.map(({ id, weight }) => ({ id, weight: weight / total })))
    }
    const embeddings = new Float32Array(rows.length * table.hiddenSize)
    rows.forEach((mixture, row) => {
      for (const { id, weight } of mixture) table.addRow(id, weight, embeddings, row * table.hiddenSize)
    })
    return embeddings
  }

  return { embed }
}
