/**
 * The keys and values of all slots. Each layer and side is one buffer [slots, kvHeads, positions, headDim]: past
 * and present of the decoder share it, a slot is a contiguous range of it, and so are slots that follow one
 * another, which makes a batch without a copy.
 *
 * It lies where the decoder computes. In JavaScript's memory a position is taken when it is first written, and given
 * back when all slots together hold more than they may: then what lies behind the length of each goes. A GPU's is taken
 * in full from the start.
 */
import { type BindableTensor, TYPED_ARRAYS } from '../runtime/tensor.ts'
import { HOST_MEMORY, type TensorBuffer, type TensorMemory } from '../runtime/tensor-memory.ts'
import type { SlotMove } from './plan.ts'

/** Eight bits with the model's own scales, or plain numbers. */
export const KV_TYPES = ['int8', 'float16', 'float32'] as const
export type KvType = (typeof KV_TYPES)[number]

/** What the model asks for, and how much of it. */
export interface KvLayout {
  readonly layers: number
  readonly kvHeads: number
  readonly headDim: number
  readonly type: KvType
  readonly slots: number
  /** Positions that a sequence may use. */
  readonly slotCapacity: number
  /** Bytes of all slots together at most; `null` for all of them in full. */
  readonly kvBytes: number | null
}

/** The two buffers of each layer, by the names that follow `past_` and `present_`. */
type Sides = ReadonlyMap<`${'key' | 'value'}_${number}`, TensorBuffer>

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
  readonly #memory: TensorMemory
  /** Where a slot's side lies while two are swapped. */
  #scratch: TensorBuffer | null = null

  /** @throws RuntimeError when there isn't memory enough */
  constructor(layout: KvLayout, memory: TensorMemory = HOST_MEMORY) {
    const { layers, type, slots, slotCapacity, kvBytes } = layout
    this.#memory = memory
    this.layout = layout
    const affordable = Math.floor((kvBytes ?? Infinity) / this.bytesPerPosition)
    this.budget = Math.min(affordable, slots * slotCapacity)
    this.#positions = slotCapacity + 1
    this.#taken = new Array<number>(slots).fill(0)
    const elements = slots * this.#slotElements
    this.#sides = new Map(
      Array.from({ length: layers }, (_, layer) => [
        [`key_${layer}`, memory.allocate(type, elements)] as const,
        [`value_${layer}`, memory.allocate(type, elements)] as const,
      ]).flat(),
    )
  }

  /** Bytes of the memory that was taken and not given back. */
  get bytesTaken(): number {
    const { slots, slotCapacity } = this.layout
    if (this.#memory.kind === 'device') return slots * slotCapacity * this.bytesPerPosition
    return this.#taken.reduce((sum, positions) => sum + positions, 0) * this.bytesPerPosition
  }

  /** Bytes of one position: keys and values of all layers. */
  get bytesPerPosition(): number {
    const { layers, kvHeads, headDim, type } = this.layout
    return layers * 2 * kvHeads * headDim * TYPED_ARRAYS[type].BYTES_PER_ELEMENT
  }

  /** The slots `first` to `first + count` (excluded) of each layer and side: [count, kvHeads, positions, headDim] */
  view(first: number, count: number): [suffix: string, view: BindableTensor][] {
    const { kvHeads, headDim } = this.layout
    const dims = [count, kvHeads, this.#positions, headDim]
    return Array.from(this.#sides, ([suffix, side]) => [suffix, side.view(first * this.#slotElements, dims)])
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
   * Copies or swaps the first positions of two slots, a buffer at a time: a long one takes tens of milliseconds, so
   * whoever steps through it may let others have a turn in between.
   */
  *move({ kind, from, to, positions }: SlotMove): Generator<void, void> {
    const { kvHeads, headDim, type } = this.layout
    for (const slot of [from, to]) this.#taken[slot] = Math.max(this.#taken[slot]!, positions)
    const heads = {
      rows: kvHeads,
      rowElements: positions * headDim,
      pitchElements: this.#positions * headDim,
    }
    const [source, target] = [from * this.#slotElements, to * this.#slotElements]
    for (const side of this.#sides.values()) {
      if (kind === 'swap') {
        this.#scratch ??= this.#memory.allocate(type, this.#slotElements)
        this.#scratch.copyRows(side, { ...heads, from: target, to: 0 })
      }
      side.copyRows(side, { ...heads, from: source, to: target })
      if (kind === 'swap') side.copyRows(this.#scratch!, { ...heads, from: 0, to: source })
      yield
    }
  }

  get #slotElements(): number {
    const { kvHeads, headDim } = this.layout
    return kvHeads * this.#positions * headDim
  }

  /** What positions `start` to `end` (excluded) of a slot hold is lost. */
  #giveBack(slot: number, start: number, end: number): void {
    const { kvHeads, headDim } = this.layout
    if (start >= end) return
    for (const side of this.#sides.values()) {
      for (let head = 0; head < kvHeads; head++) {
        const first = (slot * kvHeads + head) * this.#positions
        side.discard((first + start) * headDim, (first + end) * headDim)
      }
    }
  }
}
