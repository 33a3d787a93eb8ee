/**
 * A pack's tokenizer. Text is always encoded as plain text: what looks like a special token in it (a user who
 * types `<|im_end|>`) stays text. Special tokens are only ever added by id, by the chat template.
 */
import { readFile } from 'node:fs/promises'
import { Tokenizer as HuggingFaceTokenizer } from '@huggingface/tokenizers'
import { bytesOfPiece } from './byte-pieces.ts'

interface TokenizerFile {
  model: { vocab: Record<string, number> }
  added_tokens?: { id: number; content: string }[]
}

export interface Tokenizer {
  /** Number of ids, special ones included. */
  readonly size: number
  /** Token ids of plain text; special tokens are neither recognized nor added. */
  encode(text: string): number[]
  /** UTF-8 bytes of one token; none for special tokens and unknown ids. A character may span tokens. */
  bytes(id: number): Uint8Array
  /** Text of a whole sequence. */
  decode(ids: Iterable<number>): string
  /** Byte-level pieces that are text, by piece: what two vocabularies are compared by. */
  readonly pieces: ReadonlyMap<string, number>
}

const NO_BYTES = new Uint8Array(0)

/** Reads a `tokenizer.json` in the format of Hugging Face's `tokenizers`. Throws if it can't be read. */
export async function loadTokenizer(path: string): Promise<Tokenizer> {
  return tokenizerFrom(JSON.parse(await readFile(path, 'utf8')) as TokenizerFile)
}

/** The tokenizer of an already parsed `tokenizer.json`. */
export function tokenizerFrom(file: TokenizerFile): Tokenizer {
  const special = new Set((file.added_tokens ?? []).map(token => token.id))
  const pieces = new Map<string, number>()
  let size = 0
  for (const [piece, id] of Object.entries(file.model.vocab)) {
    if (!special.has(id)) pieces.set(piece, id)
    size = Math.max(size, id + 1)
  }
  for (const id of special) size = Math.max(size, id + 1)

  const plain = new HuggingFaceTokenizer({ ...file, added_tokens: [], post_processor: null }, {})
  const pieceOf = new Array<string | undefined>(size)
  for (const [piece, id] of pieces) pieceOf[id] = piece
  const cache = new Map<number, Uint8Array>()

  function bytes(id: number): Uint8Array {
    const piece = pieceOf[id]
    if (piece === undefined) return NO_BYTES
    const known = cache.get(id) ?? bytesOfPiece(piece)
    cache.set(id, known)
    return known
  }

  return {
    size,
    pieces,
    bytes,
    encode: text => (text === '' ? [] : plain.encode(text, { add_special_tokens: false }).ids),
    decode(ids) {
      const parts = Array.from(ids, bytes)
      return new TextDecoder('utf-8').decode(Buffer.concat(parts))
    },
  }
}
