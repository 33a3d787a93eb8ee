/** Between our tensors and ONNX Runtime's values (`OrtValue`). */
import koffi from 'koffi'
import { RuntimeError, type ValueInfo } from '../runtime.ts'
import { type DeviceTensor, type ElementType, elementCount, type Tensor, TYPED_ARRAYS } from '../tensor.ts'
import type { Api, Pointer } from './api.ts'
import { addressOf } from './arguments.ts'

/** ONNXTensorElementDataType: the numbers are ONNX's own (onnx.proto, TensorProto.DataType). */
export const ELEMENT_TYPE_CODES: Readonly<Record<ElementType, number>> = {
  float32: 1,
  uint8: 2,
  int8: 3,
  int32: 6,
  int64: 7,
  bool: 9,
  float16: 10,
}

/** What an empty tensor points at: ONNX Runtime wants an address, and never reads it. */
const NOTHING = new Uint8Array(8)

/**
 * A value over the tensor's own memory. The array must outlive the value and every binding that has it: the
 * memory of an ArrayBuffer never moves, but it is freed with the last array over it.
 * @returns a pointer that the caller frees with `ReleaseValue`
 */
export function createValue(api: Api, value: Tensor): Pointer {
  const dims = BigInt64Array.from(value.dims, BigInt)
  return api.get(
    'CreateTensorWithDataAsOrtValue',
    api.cpuMemory,
    addressOf(value.data.byteLength > 0 ? value.data : NOTHING),
    value.data.byteLength,
    dims,
    dims.length,
    ELEMENT_TYPE_CODES[value.type],
  )
}

/**
 * A value over memory of a device.
 * @param memory what `CreateMemoryInfo` said of the device
 * @returns a pointer that the caller frees with `ReleaseValue`
 */
export function createDeviceValue(api: Api, { type, address, dims }: DeviceTensor, memory: Pointer): Pointer {
  const shape = BigInt64Array.from(dims, BigInt)
  const bytes = elementCount(dims) * TYPED_ARRAYS[type].BYTES_PER_ELEMENT
  return api.get(
    'CreateTensorWithDataAsOrtValue',
    memory,
    address,
    bytes,
    shape,
    shape.length,
    ELEMENT_TYPE_CODES[type],
  )
}

/** Copies a value of the runtime's into memory of ours. */
export function readValue(api: Api, value: Pointer): Tensor {
  const info = api.get('GetTensorTypeAndShape', value)
  try {
    const { type, dims } = readTypeAndShape(api, info)
    if (!isElementType(type)) throw new RuntimeError(`An output of type ${type} can't be read.`)
    const shape = dims.map(dim => dim ?? 0)
    const Constructor = TYPED_ARRAYS[type]
    const elements = elementCount(shape)
    if (elements === 0) return { type, data: new Constructor(0), dims: shape }
    const address = api.get('GetTensorMutableData', value)
    const copy = koffi.view(address, elements * Constructor.BYTES_PER_ELEMENT).slice(0)
    return { type, data: new Constructor(copy), dims: shape }
  } finally {
    api.release('ReleaseTensorTypeAndShapeInfo', info)
  }
}

/** The names, types and shapes of a session's inputs or outputs. */
export function readValueInfos(api: Api, session: Pointer, side: 'Input' | 'Output'): ValueInfo[] {
  const count = Number(api.get(`SessionGet${side}Count`, session))
  return Array.from({ length: count }, (_, index) => {
    const nameAddress = api.get(`SessionGet${side}Name`, session, index, api.allocator)
    const name = koffi.decode.string(nameAddress)
    api.call('AllocatorFree', api.allocator, nameAddress)
    const typeInfo = api.get(`SessionGet${side}TypeInfo`, session, index)
    try {
      // Null when it isn't a tensor (a sequence or a map); borrowed, not ours to free.
      const tensorInfo = api.get('CastTypeInfoToTensorInfo', typeInfo)
      if (tensorInfo === 0n) return { name, type: 'not a tensor', dims: [] }
      return { name, ...readTypeAndShape(api, tensorInfo) }
    } finally {
      api.release('ReleaseTypeInfo', typeInfo)
    }
  })
}

function readTypeAndShape(api: Api, info: Pointer): Omit<ValueInfo, 'name'> {
  // An enum of 32 bits is written into the zeroed 64.
  const code = Number(api.get('GetTensorElementType', info))
  const rank = Number(api.get('GetDimensionsCount', info))
  const dims = new BigInt64Array(rank)
  if (rank > 0) api.call('GetDimensions', info, dims, rank)
  const known = Object.entries(ELEMENT_TYPE_CODES).find(([, typeCode]) => typeCode === code)
  return {
    type: known?.[0] ?? `ONNX element type ${code}`,
    dims: Array.from(dims, dim => (dim < 0n ? null : Number(dim))),
  }
}

function isElementType(type: string): type is ElementType {
  return type in ELEMENT_TYPE_CODES
}
