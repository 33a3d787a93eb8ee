/**
 * The byte-level alphabet of GPT-2's tokenizer: each byte is written as one printable character, so that any
 * piece of a byte-level BPE vocabulary is a string. SmolLM2, Whisper and Qwen all use it.
 * Source: openai/gpt-2 `src/encoder.py`, `bytes_to_unicode`.
 */
const PRINTABLE: readonly (readonly [number, number])[] = [
  [0x21, 0x7e],
  [0xa1, 0xac],
  [0xae, 0xff],
]

function byteOfCharacter(): Map<string, number> {
  const table = new Map<string, number>()
  const isPrintable = (byte: number) => PRINTABLE.some(([first, last]) => byte >= first && byte <= last)
  let shifted = 0
  for (let byte = 0; byte < 256; byte++) {
    table.set(String.fromCodePoint(isPrintable(byte) ? byte : 256 + shifted++), byte)
  }
  return table
}

const BYTE_OF_CHARACTER = byteOfCharacter()

/** The bytes that a vocabulary piece (such as `Ġhello`) stands for. */
export function bytesOfPiece(piece: string): Uint8Array {
  const bytes: number[] = []
  for (const character of piece) {
    const byte = BYTE_OF_CHARACTER.get(character)
    if (byte === undefined) throw new RangeError(`'${piece}' is not a piece of a byte-level vocabulary`)
    bytes.push(byte)
  }
  return Uint8Array.from(bytes)
}
