/** A byte-level tokenizer of a few pieces, for tests: every byte, and some longer pieces with their merges. */
import { type Tokenizer, tokenizerFrom } from './tokenizer.ts'

/**
 * @param words pieces beyond the 256 bytes, each made of two that are there already: `['h', 'i']` gives `hi`
 * @param special names that get the ids after all pieces
 */
export function tinyTokenizer(
  words: readonly (readonly [string, string])[] = [],
  special: string[] = [],
): Tokenizer {
  const vocab: Record<string, number> = {}
  const printable = (byte: number) =>
    (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae
  let shifted = 0
  for (let byte = 0; byte < 256; byte++) {
    vocab[String.fromCodePoint(printable(byte) ? byte : 256 + shifted++)] = byte
  }
  for (const [left, right] of words) vocab[left + right] = Object.keys(vocab).length
  const size = Object.keys(vocab).length
  return tokenizerFrom({
    model: { type: 'BPE', vocab, merges: words.map(([left, right]) => [left, right]) },
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, use_regex: true },
    decoder: { type: 'ByteLevel' },
    added_tokens: special.map((content, index) => ({ id: size + index, content, special: true })),
  } as unknown as Parameters<typeof tokenizerFrom>[0])
}
