/** The language model's embedding rows, looked up one by one: what generated tokens go back in with. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import type { TokenEmbeddings } from '../engine/types.ts'
import type { EmbeddingFile } from './manifest.ts'
import type { Pack } from './pack.ts'

/** Embeddings that hold something until they are closed. */
export interface LoadedEmbeddings extends TokenEmbeddings {
  /** Idempotent. */
  close(): void
}

/** The embeddings of a pack's language model, in whichever way they are stored. */
export async function loadEmbeddings(
  pack: Pack,
  languageModel: { embedding: EmbeddingFile; vocabulary: number; hidden: number },
): Promise<LoadedEmbeddings> {
  const { embedding } = languageModel
  return embedding.bits === 8
    ? EmbeddingTable.load(pack.path(embedding.file), { ...languageModel, embedding })
    : new HalfEmbeddings(pack.path(embedding.file), languageModel)
}

/**
 * Rows in 8 bits, de-quantized one by one as they are asked for.
 *
 * The file may be the quantized head's weight, which the ONNX graph uses too: q u8 [vocabulary, hidden], then
 * scales f32 [vocabulary, hidden / block_size]; a value is (q - zero_point) * scale of its block.
 */
export class EmbeddingTable implements LoadedEmbeddings {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly #blockSize: number
  readonly #zeroPoint: number
  readonly #quantized: Uint8Array
  readonly #scales: Float32Array

  constructor(file: Uint8Array, layout: QuantizedLayout) {
    const { vocabulary, hidden, embedding } = layout
    const values = vocabulary * hidden
    const scales = values / embedding.block_size
    if (file.byteLength !== values + 4 * scales) {
      throw new RangeError(`embedding table: ${file.byteLength} bytes instead of ${values + 4 * scales}`)
    }
    this.vocabularySize = vocabulary
    this.hiddenSize = hidden
    this.#blockSize = embedding.block_size
    this.#zeroPoint = embedding.zero_point
    this.#quantized = file.subarray(0, values)
    this.#scales = new Float32Array(new Uint8Array(file.subarray(values)).buffer)
  }

  static async load(path: string, layout: QuantizedLayout): Promise<EmbeddingTable> {
    return new EmbeddingTable(await readFile(path), layout)
  }

  /** @see TokenEmbeddings.lookup */
  lookup(id: number, target: Float32Array, offset = 0): void {
    target.fill(0, offset, offset + this.hiddenSize)
    this.addRow(id, 1, target, offset)
  }

  /**
   * Adds `weight` times the row of `id` to `target`, at the `hiddenSize` elements from `offset` on.
   * @throws RangeError when `id` isn't in the vocabulary
   */
  addRow(id: number, weight: number, target: Float32Array, offset: number): void {
    requireId(id, this.vocabularySize)
    const blocks = this.hiddenSize / this.#blockSize
    let from = id * this.hiddenSize
    let to = offset
    for (let block = 0; block < blocks; block++) {
      const scale = this.#scales[id * blocks + block]! * weight
      for (let k = 0; k < this.#blockSize; k++, from++, to++) {
        target[to]! += (this.#quantized[from]! - this.#zeroPoint) * scale
      }
    }
  }

  close(): void {}
}

/** How rows in 8 bits lie in their file. */
export interface QuantizedLayout {
  readonly vocabulary: number
  readonly hidden: number
  readonly embedding: Pick<EmbeddingFile & { bits: 8 }, 'block_size' | 'zero_point'>
}

/**
 * Rows in 16 bits, read from the file one by one: f16 little-endian [vocabulary, hidden]. A large table (1.3 GB for
 * Qwen2-Audio) stays where it is, in the operating system's cache as far as its rows are used.
 */
export class HalfEmbeddings implements LoadedEmbeddings {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly #row: Float16Array<ArrayBuffer>
  #descriptor: number | null

  /** @throws RangeError when the file isn't as large as its rows */
  constructor(path: string, { vocabulary, hidden }: { vocabulary: number; hidden: number }) {
    this.vocabularySize = vocabulary
    this.hiddenSize = hidden
    this.#row = new Float16Array(hidden)
    this.#descriptor = openSync(path, 'r')
    const { size } = fstatSync(this.#descriptor)
    if (size !== vocabulary * this.#row.byteLength) {
      this.close()
      throw new RangeError(`embedding table: ${size} bytes instead of ${vocabulary * this.#row.byteLength}`)
    }
  }

  /** @see TokenEmbeddings.lookup */
  lookup(id: number, target: Float32Array, offset = 0): void {
    requireId(id, this.vocabularySize)
    if (this.#descriptor === null) throw new Error('These embeddings were closed.')
    const { byteLength } = this.#row
    const read = readSync(this.#descriptor, this.#row, 0, byteLength, id * byteLength)
    if (read !== byteLength) throw new RangeError(`embedding table: row ${id} is cut off`)
    target.set(this.#row, offset)
  }

  close(): void {
    if (this.#descriptor !== null) closeSync(this.#descriptor)
    this.#descriptor = null
  }
}

function requireId(id: number, vocabulary: number): void {
  if (!(id >= 0 && id < vocabulary)) throw new RangeError(`token ${id} is not in the vocabulary`)
}
