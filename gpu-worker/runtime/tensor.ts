/**
 * A tensor is a typed array of ours with a shape. It holds nothing native: the runtimes read and write the
 * memory in place, and whoever allocated it keeps it.
 */

/** The element types that our models use, with the typed array that holds each. */
export interface ElementTypes {
  float32: Float32Array
  float16: Float16Array
  int64: BigInt64Array
  int32: Int32Array
  uint8: Uint8Array
  int8: Int8Array
  bool: Uint8Array
}

/** The name of an element type, as onnxruntime-node spells it. */
export type ElementType = keyof ElementTypes

/** Memory with a type and a shape; row-major, without strides. */
export interface Tensor<T extends ElementType = ElementType> {
  readonly type: T
  readonly data: ElementTypes[T]
  readonly dims: readonly number[]
}

/**
 * A tensor in memory that isn't JavaScript's: only the session whose memory it is can read and write it.
 * @see TensorMemory
 */
export interface DeviceTensor<T extends ElementType = ElementType> {
  readonly type: T
  /** Where its first element lies; the runtime's own. */
  readonly address: bigint
  readonly dims: readonly number[]
}

/** What a binding takes. */
export type BindableTensor = Tensor | DeviceTensor

/** The typed array of each element type. */
export const TYPED_ARRAYS: {
  readonly [T in ElementType]: {
    new (length: number): ElementTypes[T]
    new (buffer: ArrayBuffer, byteOffset?: number, length?: number): ElementTypes[T]
    readonly BYTES_PER_ELEMENT: number
  }
} = {
  float32: Float32Array,
  float16: Float16Array,
  uint8: Uint8Array,
  int8: Int8Array,
  int32: Int32Array,
  int64: BigInt64Array,
  bool: Uint8Array,
}

/**
 * Describes `data` as a tensor without copying it.
 * @param data may be empty: an empty tensor has a 0 in `dims`
 * @throws RangeError when the length of `data` isn't the product of `dims`
 */
export function tensor<T extends ElementType>(
  type: T,
  data: ElementTypes[T],
  dims: readonly number[],
): Tensor<T> {
  const elements = elementCount(dims)
  if (data.length !== elements) {
    throw new RangeError(`A tensor [${dims.join(', ')}] has ${elements} elements, its data ${data.length}.`)
  }
  return { type, data, dims }
}

/** The number of elements of a shape; 1 for a scalar. */
export function elementCount(dims: readonly number[]): number {
  let count = 1
  for (const dim of dims) {
    if (!Number.isInteger(dim) || dim < 0) throw new RangeError(`${dim} is not a dimension.`)
    count *= dim
  }
  return count
}
