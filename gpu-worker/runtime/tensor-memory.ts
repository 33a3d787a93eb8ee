/**
 * Where tensors lie that are worth keeping where the session computes: keys and values, adapters. On a CPU that is
 * JavaScript's own memory; on a GPU it is the GPU's, which JavaScript can only have copied.
 */
import { releasePages } from './memory-pages.ts'
import { type BindableTensor, type ElementType, type ElementTypes, TYPED_ARRAYS, tensor } from './tensor.ts'

/** Memory of one kind; what it gives lives as long as the session that it is of. */
export interface TensorMemory {
  readonly kind: 'host' | 'device'
  /**
   * Elements that are zero.
   * @throws RuntimeError when there isn't as much
   */
  allocate(type: ElementType, elements: number): TensorBuffer
  /** A tensor of these elements, which don't change any more; on a device a copy of them. */
  place<T extends ElementType>(type: T, data: ElementTypes[T], dims: readonly number[]): BindableTensor
}

/** Rows of `rowElements` each, one every `pitchElements`: the first `from` in the source goes to `to`. */
export interface RowCopy {
  readonly from: number
  readonly to: number
  readonly rows: number
  readonly rowElements: number
  readonly pitchElements: number
}

/** Elements of one type; places in it are counted in elements. */
export interface TensorBuffer {
  readonly type: ElementType
  readonly length: number
  /** The elements from `offset` on, in a shape; the memory is shared. */
  view(offset: number, dims: readonly number[]): BindableTensor
  /** Takes rows from a buffer of the same memory and type, which may be this one; they don't overlap. */
  copyRows(source: TensorBuffer, copy: RowCopy): void
  write(offset: number, elements: ElementTypes[ElementType]): void
  /** A copy of elements `start` to `end` (excluded). */
  read(start: number, end: number): ElementTypes[ElementType]
  /** What elements `start` to `end` (excluded) hold is lost: their memory goes back to the system, where that can be. */
  discard(start: number, end: number): void
}

/** JavaScript's memory, whose pages are taken when they are first written. */
export const HOST_MEMORY: TensorMemory = {
  kind: 'host',
  allocate: (type, elements) => new HostBuffer(type, new TYPED_ARRAYS[type](elements)),
  place: tensor,
}

class HostBuffer implements TensorBuffer {
  readonly type: ElementType
  readonly #data: ElementTypes[ElementType]

  constructor(type: ElementType, data: ElementTypes[ElementType]) {
    this.type = type
    this.#data = data
  }

  get length(): number {
    return this.#data.length
  }

  view(offset: number, dims: readonly number[]): BindableTensor {
    const elements = dims.reduce((product, dim) => product * dim, 1)
    return tensor(this.type, this.#data.subarray(offset, offset + elements), dims)
  }

  copyRows(source: TensorBuffer, { from, to, rows, rowElements, pitchElements }: RowCopy): void {
    const data = (source as HostBuffer).#data
    for (let row = 0; row < rows; row++) {
      const start = from + row * pitchElements
      copy(data.subarray(start, start + rowElements), this.#data, to + row * pitchElements)
    }
  }

  write(offset: number, elements: ElementTypes[ElementType]): void {
    copy(elements, this.#data, offset)
  }

  read(start: number, end: number): ElementTypes[ElementType] {
    return this.#data.slice(start, end)
  }

  discard(start: number, end: number): void {
    releasePages(this.#data.subarray(start, end))
  }
}

/** Both are of one type, which TypeScript can't know. */
function copy(source: ElementTypes[ElementType], target: ElementTypes[ElementType], offset: number): void {
  ;(target as Float32Array).set(source as Float32Array, offset)
}
