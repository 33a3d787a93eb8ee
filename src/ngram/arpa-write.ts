/** Writes a model as an ARPA file, the format that every toolkit reads. */
import type { BackoffTable, TableLevel } from './backoff-table.ts'

/** About so much text at a time. */
const CHUNK_LENGTH = 1 << 16

/**
 * The file's text, piece by piece; `byteStream` makes bytes of it.
 * @example await byteStream(arpaChunks(table), true).pipeTo(file) // .arpa.gz
 */
export function* arpaChunks(table: BackoffTable): Generator<string> {
  const counts = table.levels.map(level => `ngram ${level.length}=${level.size}\n`)
  let chunk = `\\data\\\n${counts.join('')}`
  const words = Array.from({ length: table.vocabulary.size }, (_, id) => table.vocabulary.word(id))
  for (const level of table.levels) {
    chunk += `\n\\${level.length}-grams:\n`
    for (let node = 0; node < level.size; node++) {
      chunk += entry(level, node, words, level.length < table.order)
      if (chunk.length > CHUNK_LENGTH) {
        yield chunk
        chunk = ''
      }
    }
  }
  yield `${chunk}\n\\end\\\n`
}

function entry(level: TableLevel, node: number, words: readonly string[], hasBackoff: boolean): string {
  let line = `${rounded(level.log10Prob[node]!)}\t${words[level.words[node * level.length]!]}`
  for (let index = 1; index < level.length; index++)
    line += ` ${words[level.words[node * level.length + index]!]}`
  return hasBackoff ? `${line}\t${rounded(level.log10Backoff[node]!)}\n` : `${line}\n`
}

/** Seven digits after the point: more than a float holds. Zero without a sign. */
function rounded(value: number): number {
  return Math.round(value * 1e7) / 1e7 || 0
}
