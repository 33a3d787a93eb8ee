/**
 * The keys and values of all slots. Each layer and side is one array [slots, kvHeads, positions, headDim]: past
 * and present of the decoder share it, a slot is a contiguous range of it, and so are slots that follow one
 * another, which makes a batch without a copy.
 *
 * The memory is reserved at start and zeroed by the operating system when first touched: a slot costs what the
 * longest sequence it ever held cost.
 */
import { type Tensor, tensor } from '../runtime/tensor.ts'
import type { SlotMove } from './plan.ts'

/** What the model asks for, and how much of it. */
export interface KvLayout {
  readonly layers: number
  readonly kvHeads: number
  readonly headDim: number
  readonly slots: number
  /** Positions that a sequence may use. */
  readonly slotCapacity: number
}

/** The two arrays of each layer, by the names that follow `past_` and `present_`. */
type Sides = ReadonlyMap<`${'key' | 'value'}_${number}`, Float32Array>

/** @see file comment */
export class KvCache {
  readonly layout: KvLayout
  readonly bytesReserved: number
  /** One more than a sequence may use: garbage of an idle row goes there when its slot is full. */
  readonly #positions: number
  readonly #sides: Sides

  constructor(layout: KvLayout) {
    const { layers, kvHeads, headDim, slots, slotCapacity } = layout
    this.layout = layout
    this.#positions = slotCapacity + 1
    const elements = slots * kvHeads * this.#positions * headDim
    this.#sides = new Map(
      Array.from({ length: layers }, (_, layer) => [
        [`key_${layer}`, new Float32Array(elements)] as const,
        [`value_${layer}`, new Float32Array(elements)] as const,
      ]).flat(),
    )
    this.bytesReserved = elements * Float32Array.BYTES_PER_ELEMENT * layers * 2
  }

  /** Bytes of one position: keys and values of all layers. */
  get bytesPerPosition(): number {
    const { layers, kvHeads, headDim } = this.layout
    return layers * 2 * kvHeads * headDim * Float32Array.BYTES_PER_ELEMENT
  }

  /** The slots `first` to `first + count` (excluded) of each layer and side: [count, kvHeads, positions, headDim] f32 */
  view(first: number, count: number): [suffix: string, view: Tensor<'float32'>][] {
    const { kvHeads, headDim } = this.layout
    const slotElements = kvHeads * this.#positions * headDim
    return Array.from(this.#sides, ([suffix, side]) => {
      const data = side.subarray(first * slotElements, (first + count) * slotElements)
      return [suffix, tensor('float32', data, [count, kvHeads, this.#positions, headDim])]
    })
  }

  /** Copies or swaps the first positions of two slots. */
  move({ kind, from, to, positions }: SlotMove): void {
    const { kvHeads, headDim } = this.layout
    const headElements = this.#positions * headDim
    const length = positions * headDim
    for (const side of this.#sides.values()) {
      for (let head = 0; head < kvHeads; head++) {
        const source = (from * kvHeads + head) * headElements
        const target = (to * kvHeads + head) * headElements
        const overwritten = kind === 'swap' ? side.slice(target, target + length) : null
        side.copyWithin(target, source, source + length)
        if (overwritten !== null) side.set(overwritten, source)
      }
    }
  }
}
