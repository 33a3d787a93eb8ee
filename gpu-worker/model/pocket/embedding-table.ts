import { readFile } from 'node:fs/promises'
import type { TokenEmbeddings } from '../../engine/types.ts'

/**
 * The language model's embedding rows, de-quantized one by one as they are asked for.
 *
 * The file is the quantized head's weight, which the ONNX graph uses too: q u8 [vocabulary, hidden], then
 * scales f32 [vocabulary, hidden / blockSize]; a value is (q - zeroPoint) * scale of its block.
 */
export class EmbeddingTable implements TokenEmbeddings {
  readonly vocabularySize: number
  readonly hiddenSize: number
  readonly #blockSize: number
  readonly #zeroPoint: number
  readonly #quantized: Uint8Array
  readonly #scales: Float32Array

  constructor(
    file: Uint8Array,
    layout: { vocabulary: number; hidden: number; blockSize: number; zeroPoint: number },
  ) {
    const { vocabulary, hidden, blockSize, zeroPoint } = layout
    const values = vocabulary * hidden
    const scales = values / blockSize
    if (file.byteLength !== values + 4 * scales) {
      throw new RangeError(`embedding table: ${file.byteLength} bytes instead of ${values + 4 * scales}`)
    }
    this.vocabularySize = vocabulary
    this.hiddenSize = hidden
    this.#blockSize = blockSize
    this.#zeroPoint = zeroPoint
    this.#quantized = file.subarray(0, values)
    this.#scales = new Float32Array(new Uint8Array(file.subarray(values)).buffer)
  }

  static async load(path: string, layout: ConstructorParameters<typeof EmbeddingTable>[1]) {
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
    if (!(id >= 0 && id < this.vocabularySize)) throw new RangeError(`token ${id} is not in the vocabulary`)
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
}
