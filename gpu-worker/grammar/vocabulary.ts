import type { Tokenizer } from '../text/tokenizer.ts'
import type { Vocabulary } from './instance.ts'

/** A tokenizer's vocabulary, as grammars are compiled for it. @param ends ids that end an answer */
export function vocabularyOf(tokenizer: Tokenizer, ends: Iterable<number>): Vocabulary {
  const tokens = Array.from({ length: tokenizer.size }, (_, id) => tokenizer.bytes(id))
  return {
    lengths: Uint16Array.from(tokens, token => token.length),
    bytes: new Uint8Array(Buffer.concat(tokens)),
    ends: Uint32Array.from(ends),
  }
}
