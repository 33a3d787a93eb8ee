/**
 * The splice: a rendered prompt becomes embeddings, and at every audio placeholder the token's embedding is
 * replaced by the audio's. Source of the idea: Qwen2-Audio, `merge_input_ids_with_audio_features`.
 */
import type { Prompt, TokenEmbeddings } from '../engine/types.ts'

/** One audio as it enters the prompt. */
export interface AudioEmbeddings {
  /** The ids that stand for it: markers, and one placeholder for each row. */
  ids: readonly number[]
  /** [placeholders, hidden] f32, in order. */
  rows: Float32Array
}

/**
 * Looks up every id and puts the audios' rows at the placeholders.
 *
 * @param ids the whole prompt, placeholders expanded to one id a row
 * @param audios in the order in which they stand in the prompt
 * @throws RangeError when placeholders and rows don't match one to one
 */
export function spliceAudio(
  ids: readonly number[],
  audios: readonly AudioEmbeddings[],
  placeholder: number,
  table: Pick<TokenEmbeddings, 'hiddenSize' | 'lookup'>,
): Prompt {
  const hidden = table.hiddenSize
  const embeddings = new Float32Array(ids.length * hidden)
  const rows = audios.flatMap(audio =>
    Array.from({ length: audio.rows.length / hidden }, (_, row) =>
      audio.rows.subarray(row * hidden, (row + 1) * hidden),
    ),
  )
  let next = 0
  ids.forEach((id, position) => {
    if (id !== placeholder) {
      table.lookup(id, embeddings, position * hidden)
      return
    }
    const row = rows[next++]
    if (row) embeddings.set(row, position * hidden)
  })
  if (next !== rows.length) {
    throw new RangeError(`the prompt has ${next} audio placeholders for ${rows.length} audio embeddings`)
  }
  return { ids: Int32Array.from(ids), embeddings }
}
