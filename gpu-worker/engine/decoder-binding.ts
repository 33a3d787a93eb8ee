/** The decoder tied to one range of slots and one checkpoint; made once, used for every step that needs it. */
import type { OrtBinding, OrtSession, RunOptions } from '../runtime/runtime.ts'
import { type BindableTensor, tensor } from '../runtime/tensor.ts'
import type { KvCache } from './kv-cache.ts'

/** What one run computes. */
export interface DecoderRun {
  /** [rows, positions, hidden] f32, row-major */
  readonly embeddings: Float32Array
  readonly positions: number
  /** [rows] valid positions of each row's slot before the run; what is computed goes behind. */
  readonly pastLengths: readonly number[]
  /** Rows times `positions` plus position, of the vectors that go through the head. */
  readonly logitsPositions: readonly number[]
  /** [logitsPositions.length, vocabulary] f32, written by the run */
  readonly logits: Float32Array
}

/** @see file comment */
export class DecoderBinding {
  readonly #binding: OrtBinding
  readonly #rows: number
  readonly #hidden: number
  readonly #vocabulary: number
  readonly #seqlens: Int32Array // [rows]
  readonly #totalLength = new Int32Array(1)
  #embeddings: Float32Array | null = null
  #logits: Float32Array | null = null
  #logitsPositions: BigInt64Array | null = null

  constructor(
    session: OrtSession,
    cache: KvCache,
    adapter: ReadonlyMap<string, BindableTensor>,
    range: { first: number; count: number },
    sizes: { hidden: number; vocabulary: number },
  ) {
    this.#rows = range.count
    this.#hidden = sizes.hidden
    this.#vocabulary = sizes.vocabulary
    this.#seqlens = new Int32Array(range.count)
    this.#binding = session.createBinding()
    for (const [name, value] of adapter) this.#binding.bindInput(name, value)
    for (const [suffix, view] of cache.view(range.first, range.count)) {
      this.#binding.bindInput(`past_${suffix}`, view)
      this.#binding.bindOutput(`present_${suffix}`, view)
    }
    this.#binding.bindInput('seqlens_k', tensor('int32', this.#seqlens, [range.count]))
    this.#binding.bindInput('total_sequence_length', tensor('int32', this.#totalLength, []))
  }

  /**
   * Computes the run into `run.logits` and the slots.
   * @throws RuntimeError; or the signal's reason
   */
  run(run: DecoderRun, options: RunOptions = {}): Promise<void> {
    // GroupQueryAttention's seqlens_k is the total length of a row less one.
    run.pastLengths.forEach((length, row) => {
      this.#seqlens[row] = length + run.positions - 1
    })
    this.#totalLength[0] = Math.max(...run.pastLengths) + run.positions
    this.#bindEmbeddings(run)
    this.#bindLogits(run)
    return this.#binding.run(options)
  }

  release(): void {
    this.#binding.release()
  }

  #bindEmbeddings({ embeddings, positions }: DecoderRun): void {
    if (isSameMemory(this.#embeddings, embeddings)) return
    const dims = [this.#rows, positions, this.#hidden]
    this.#binding.bindInput('inputs_embeds', tensor('float32', embeddings, dims))
    this.#embeddings = embeddings
  }

  #bindLogits({ logits, logitsPositions }: DecoderRun): void {
    const count = logitsPositions.length
    if (this.#logitsPositions?.length !== count) {
      this.#logitsPositions = new BigInt64Array(count)
      this.#binding.bindInput('logits_positions', tensor('int64', this.#logitsPositions, [count]))
    }
    logitsPositions.forEach((position, index) => {
      this.#logitsPositions![index] = BigInt(position)
    })
    if (isSameMemory(this.#logits, logits)) return
    this.#binding.bindOutput('logits', tensor('float32', logits, [count, this.#vocabulary]))
    this.#logits = logits
  }
}

function isSameMemory(a: Float32Array | null, b: Float32Array): boolean {
  return a !== null && a.buffer === b.buffer && a.byteOffset === b.byteOffset && a.length === b.length
}
