/**
 * Memory of the device that a session computes on, from the session's own allocator: on a GPU nothing that is kept in
 * it is ever copied for a run. On a CPU it is native memory, by the same code.
 */
import koffi from 'koffi'
import type { Device } from '../device.ts'
import { RuntimeError } from '../runtime.ts'
import {
  type DeviceTensor,
  type ElementType,
  type ElementTypes,
  elementCount,
  TYPED_ARRAYS,
} from '../tensor.ts'
import type { RowCopy, TensorBuffer, TensorMemory } from '../tensor-memory.ts'
import type { Api, Pointer } from './api.ts'
import { openCudaCopies } from './cuda-runtime.ts'
import { ELEMENT_TYPE_CODES } from './values.ts'

/** Copies to, from and inside a device; every one has ended when it returns. Addresses and sizes in bytes. */
export interface DeviceCopies {
  clear(target: bigint, bytes: number): void
  write(target: bigint, source: Uint8Array): void
  read(target: Uint8Array, source: bigint): void
  /** Rows of `width`, one every `pitch` on both sides. */
  copyRows(target: bigint, source: bigint, rows: number, width: number, pitch: number): void
}

/** OrtAllocatorType and OrtMemType of onnxruntime_c_api.h. */
const [DEVICE_ALLOCATOR, MEMORY_TYPE_DEFAULT] = [0, 0]

/** @see file comment; released with its session */
export class DeviceMemory implements TensorMemory {
  readonly kind = 'device'
  readonly info: Pointer
  readonly #api: Api
  readonly #allocator: Pointer
  readonly #copies: DeviceCopies
  readonly #device: Device
  readonly #values: Pointer[] = []

  constructor(api: Api, session: Pointer, device: Device) {
    const [name, index] = device.provider === 'cuda' ? ['Cuda', device.index] : ['Cpu', 0]
    this.#api = api
    this.#device = device
    this.info = api.get('CreateMemoryInfo', name, DEVICE_ALLOCATOR, index, MEMORY_TYPE_DEFAULT)
    this.#allocator = api.get('CreateAllocator', session, this.info)
    this.#copies = device.provider === 'cuda' ? openCudaCopies(device.index) : NATIVE_COPIES
  }

  allocate(type: ElementType, elements: number): DeviceBuffer {
    // One at least: an empty tensor has an address too.
    const dims = BigInt64Array.of(BigInt(Math.max(1, elements)))
    const bytes = Number(dims[0]) * TYPED_ARRAYS[type].BYTES_PER_ELEMENT
    let value: bigint
    try {
      value = this.#api.get('CreateTensorAsOrtValue', this.#allocator, dims, 1, ELEMENT_TYPE_CODES[type])
    } catch (error) {
      const { provider } = this.#device
      throw new RuntimeError(
        `There are no ${Math.ceil(bytes / 2 ** 20)} MiB more of ${provider} memory: fewer AURICLE_SLOTS, or a ` +
          `shorter AURICLE_CONTEXT_LENGTH, need less. ${(error as Error).message}`,
        null,
        { cause: error },
      )
    }
    this.#values.push(value)
    const address = this.#api.get('GetTensorMutableData', value)
    // What was there before could be no number, and no number times nothing is none.
    this.#copies.clear(address, bytes)
    return new DeviceBuffer(type, elements, address, this.#copies)
  }

  place<T extends ElementType>(type: T, data: ElementTypes[T], dims: readonly number[]): DeviceTensor {
    const buffer = this.allocate(type, data.length)
    buffer.write(0, data)
    return buffer.view(0, dims)
  }

  /** Frees all of it: nothing may be bound to it any more. */
  release(): void {
    for (const value of this.#values.splice(0)) this.#api.release('ReleaseValue', value)
    this.#api.release('ReleaseAllocator', this.#allocator)
    this.#api.release('ReleaseMemoryInfo', this.info)
  }
}

class DeviceBuffer implements TensorBuffer {
  readonly type: ElementType
  readonly length: number
  readonly #address: bigint
  readonly #width: number
  readonly #copies: DeviceCopies

  constructor(type: ElementType, length: number, address: bigint, copies: DeviceCopies) {
    this.type = type
    this.length = length
    this.#address = address
    this.#width = TYPED_ARRAYS[type].BYTES_PER_ELEMENT
    this.#copies = copies
  }

  view(offset: number, dims: readonly number[]): DeviceTensor {
    this.#requireInside(offset, offset + elementCount(dims))
    return { type: this.type, address: this.#at(offset), dims }
  }

  copyRows(source: TensorBuffer, { from, to, rows, rowElements, pitchElements }: RowCopy): void {
    const other = source as DeviceBuffer
    const length = (rows - 1) * pitchElements + rowElements
    other.#requireInside(from, from + length)
    this.#requireInside(to, to + length)
    const [width, pitch] = [rowElements * this.#width, pitchElements * this.#width]
    this.#copies.copyRows(this.#at(to), other.#at(from), rows, width, pitch)
  }

  write(offset: number, elements: ElementTypes[ElementType]): void {
    this.#requireInside(offset, offset + elements.length)
    const bytes = new Uint8Array(elements.buffer, elements.byteOffset, elements.byteLength)
    if (bytes.length > 0) this.#copies.write(this.#at(offset), bytes)
  }

  read(start: number, end: number): ElementTypes[ElementType] {
    this.#requireInside(start, end)
    const bytes = new Uint8Array((end - start) * this.#width)
    if (bytes.length > 0) this.#copies.read(bytes, this.#at(start))
    return new TYPED_ARRAYS[this.type](bytes.buffer)
  }

  /** A device keeps what it has given. */
  discard(): void {}

  #at(offset: number): bigint {
    return this.#address + BigInt(offset * this.#width)
  }

  /** Past the end is another's memory. */
  #requireInside(start: number, end: number): void {
    if (start >= 0 && start <= end && end <= this.length) return
    throw new RangeError(`Elements ${start} to ${end} are not in a buffer of ${this.length}.`)
  }
}

/** Where the device is the CPU: its memory seen as JavaScript's. */
const NATIVE_COPIES: DeviceCopies = {
  clear: (target, bytes) => void nativeBytes(target, bytes).fill(0),
  write: (target, source) => nativeBytes(target, source.length).set(source),
  read: (target, source) => target.set(nativeBytes(source, target.length)),
  copyRows(target, source, rows, width, pitch) {
    for (let row = 0; row < rows; row++) {
      const offset = BigInt(row * pitch)
      nativeBytes(target + offset, width).set(nativeBytes(source + offset, width))
    }
  },
}

function nativeBytes(address: bigint, length: number): Uint8Array {
  return new Uint8Array(koffi.view(address, length))
}
