import type { Tokenizer } from './tokenizer.ts'

/**
 * Turns a stream of token ids into a stream of text that never splits a character: bytes of an unfinished
 * character are held back until the tokens that complete it have come.
 */
export class Detokenizer {
  readonly #tokenizer: Tokenizer
  readonly #decoder = new TextDecoder('utf-8', { ignoreBOM: true })

  constructor(tokenizer: Tokenizer) {
    this.#tokenizer = tokenizer
  }

  /** The text that this token completes; may be empty. */
  push(id: number): string {
    return this.#decoder.decode(this.#tokenizer.bytes(id), { stream: true })
  }

  /** What is left at the end; an unfinished character becomes U+FFFD. */
  flush(): string {
    return this.#decoder.decode()
  }
}
