/**
 * The keys and values of all slots. Each layer and side is one array [slots, kvHeads, positions, headDim]: past
 * and present of the decoder share it, a slot is a contiguous range of it, and so are slots that follow one
 * another, which makes a batch without a copy.
 *
 * The memory of a position is taken when the position is first written, and given back when all slots together hold
 * more than they may: then what lies behind the length of each goes.
 */
import { releasePages } from '../runtime/memory-pages.ts'
import { type ElementTypes, type Tensor, tensor } from '../runtime/tensor.ts'
import type { SlotMove } from './plan.ts'

export type KvType = 'int8' | 'float32'

/** What the model asks for, and how much of it. */
export interface KvLayout {
  readonly layers: number
  readonly kvHeads: number
  readonly headDim: number
  /** Eight bits with the model's own scales, or 32. */
  readonly type: KvType
  readonly slots: number
  /** Positions that a sequence may use. */
  readonly slotCapacity: number
  /** Bytes of all slots together at most; `null` for all of them in full. */
  readonly kvBytes: number | null
}

/** The two arrays of each layer, by the names that follow `past_` and `present_`. */
type Sides = ReadonlyMap<`${'key' | 'value'}_${number}`, ElementTypes[KvType]>

const ARRAYS = { int8: Int8Array, float32: Float32Array } as const

/** @see file comment */
export class KvCache {
  readonly layout: KvLayout
  /** Positions that all slots together may hold. */
  readonly budget: number
  /** [slots] positions that memory was taken for */
  #taken: number[]
  /** One more than a sequence may use: garbage of an idle row goes there when its slot is full. */
  readonly #positions: number
  readonly #sides: Sides

  constructor(layout: KvLayout) {
    const { layers, kvHeads, headDim, type, slots, slotCapacity, kvBytes } = layout
    const Elements = ARRAYS[type]
    this.layout = layout
    const affordable = Math.floor((kvBytes ?? Infinity) / this.bytesPerPosition)
    this.budget = Math.min(affordable, slots * slotCapacity)
    this.#positions = slotCapacity + 1
    this.#taken = new Array<number>(slots).fill(0)
    const elements = slots * kvHeads * this.#positions * headDim
    this.#sides = new Map(
      Array.from({ length: layers }, (_, layer) => [
        [`key_${layer}`, new Elements(elements)] as const,
        [`value_${layer}`, new Elements(elements)] as const,
      ]).flat(),
    )
  }

  /** Bytes of the memory that was taken and not given back. */
  get bytesTaken(): number {
    return this.#taken.reduce((sum, positions) => sum + positions, 0) * this.bytesPerPosition
  }

  /** Bytes of one position: keys and values of all layers. */
  get bytesPerPosition(): number {
    const { layers, kvHeads, headDim, type } = this.layout
    return layers * 2 * kvHeads * headDim * ARRAYS[type].BYTES_PER_ELEMENT
  }

  /** The slots `first` to `first + count` (excluded) of each layer and side: [count, kvHeads, positions, headDim] */
  view(first: number, count: number): [suffix: string, view: Tensor<KvType>][] {
    const { kvHeads, headDim, type } = this.layout
    const slotElements = kvHeads * this.#positions * headDim
    return Array.from(this.#sides, ([suffix, side]) => {
      const data = side.subarray(first * slotElements, (first + count) * slotElements)
      return [suffix, tensor(type, data, [count, kvHeads, this.#positions, headDim])]
    })
  }

  /**
   * Before positions are written: notes which, and gives memory back should there be too much.
   * @param lengths [slots] positions of each slot that are of worth, `budget` together at most
   * @param ends [slots] where what is about to be written ends
   */
  take(lengths: readonly number[], ends: readonly number[]): void {
    const taken = this.#taken.map((positions, slot) => Math.max(positions, ends[slot]!))
    // An idle row's garbage is beyond the budget.
    const limit = this.budget + this.layout.slots
    if (taken.reduce((sum, positions) => sum + positions, 0) <= limit) {
      this.#taken = taken
    } else {
      this.#taken.forEach((positions, slot) => {
        this.#giveBack(slot, lengths[slot]!, positions)
      })
      this.#taken = [...ends]
    }
  }

  /**
   * Copies or swaps the first positions of two slots, an array at a time: a long one takes tens of milliseconds, so
   * whoever steps through it may let others have a turn in between.
   */
  *move({ kind, from, to, positions }: SlotMove): Generator<void, void> {
    const { kvHeads, headDim } = this.layout
    for (const slot of [from, to]) this.#taken[slot] = Math.max(this.#taken[slot]!, positions)
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
      yield
    }
  }
  /** What positions `start` to `end` (excluded) of a slot hold is lost. */
  #giveBack(slot: number, start: number, end: number): void {
    const { kvHeads, headDim } = this.layout
    if (start >= end) return
    for (const side of this.#sides.values()) {
      for (let head = 0; head < kvHeads; head++) {
        const first = (slot * kvHeads + head) * this.#positions
        releasePages(side.subarray((first + start) * headDim, (first + end) * headDim))
      }
    }
  }
}
