import { setImmediate } from 'node:timers/promises'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { Vocabulary } from './instance.ts'

/** Tokens between two turns of the event loop: some 5 ms. */
const TOKENS_A_TURN = 4096

/** A tokenizer's vocabulary, as grammars are compiled for it. @param ends ids that end an answer */
export async function vocabularyOf(tokenizer: Tokenizer, ends: Iterable<number>): Promise<Vocabulary> {
  const tokens: Uint8Array[] = []
  const size = Math.max(tokenizer.size, ...Array.from(ends, id => id + 1))
  for (let id = 0; id < size; id++) {
    if (id % TOKENS_A_TURN === 0) await setImmediate()
    tokens.push(tokenizer.bytes(id))
  }
  return {
    lengths: Uint16Array.from(tokens, token => token.length),
    bytes: new Uint8Array(Buffer.concat(tokens)),
    ends: Uint32Array.from(ends),
  }
}
