/** Inputs and outputs tied to our memory: ONNX Runtime's IoBinding. */
import {
  type OrtBinding,
  type RunOptions,
  RuntimeError,
  requireInputs,
  requireValue,
  type ValueInfo,
} from '../runtime.ts'
import type { SerialQueue } from '../serial-queue.ts'
import type { BindableTensor, Tensor } from '../tensor.ts'
import type { TensorMemory } from '../tensor-memory.ts'
import type { Api, Pointer } from './api.ts'
import { DeviceMemory } from './device-memory.ts'
import { NativeHandle } from './native-handle.ts'
import { createDeviceValue, createValue, readValue } from './values.ts'

/** What a binding needs of its session. */
export interface BoundSession {
  readonly api: Api
  readonly handle: NativeHandle
  readonly queue: SerialQueue
  readonly memory: TensorMemory
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
}

/** @see OrtBinding; made by `OrtSession.createBinding()` */
export class CApiBinding implements OrtBinding {
  readonly #session: BoundSession
  readonly #binding: NativeHandle
  readonly #runOptions: NativeHandle
  /** Keeps the tied memory alive: ONNX Runtime only has its address. */
  readonly #inputs = new Map<string, BindableTensor>()
  readonly #outputs = new Map<string, BindableTensor>()
  #running = 0

  constructor(session: BoundSession) {
    const { api } = session
    this.#session = session
    this.#binding = new NativeHandle(api.get('CreateIoBinding', session.handle.pointer), pointer =>
      api.release('ReleaseIoBinding', pointer),
    )
    this.#runOptions = new NativeHandle(api.get('CreateRunOptions'), pointer =>
      api.release('ReleaseRunOptions', pointer),
    )
  }

  bindInput(name: string, value: BindableTensor): void {
    requireValue(this.#session.inputs, name, value.type)
    if (!this.#isCopied(value)) this.#tie('BindInput', name, value)
    this.#inputs.set(name, value)
  }

  bindOutput(name: string, value: BindableTensor): void {
    requireValue(this.#session.outputs, name, value.type)
    this.#tie('BindOutput', name, value)
    this.#outputs.set(name, value)
  }

  /** Lets the runtime allocate this output; `takeOutputs()` reads it. */
  allocateOutput(name: string): void {
    const { api } = this.#session
    api.call('BindOutputToDevice', this.#binding.pointer, name, api.cpuMemory)
  }

  run({ signal }: RunOptions = {}): Promise<void> {
    return this.#session.queue.run(() => this.#runNow(signal))
  }

  /** Copies every bound output, in the order of binding, and frees the runtime's own. */
  takeOutputs(): Tensor[] {
    const { api } = this.#session
    const count = new BigUint64Array(1)
    const values = new BigUint64Array(1)
    api.call('GetBoundOutputValues', this.#binding.pointer, api.allocator, values, count)
    const pointers = api.readPointers(values[0]!, Number(count[0]))
    try {
      return pointers.map(pointer => readValue(api, pointer))
    } finally {
      for (const pointer of pointers) api.release('ReleaseValue', pointer)
      if (values[0] !== 0n) api.call('AllocatorFree', api.allocator, values[0]!)
    }
  }

  release(): void {
    if (this.#running > 0) throw new RuntimeError('A binding was released during its run.')
    this.#binding.release()
    this.#runOptions.release()
    this.#inputs.clear()
    this.#outputs.clear()
  }

  async #runNow(signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const { api, handle, inputs } = this.#session
    requireInputs(inputs, this.#inputs)
    this.#copyInputs()
    const options = this.#runOptions.pointer
    // Set by an abort that came when the run before had just ended.
    api.call('RunOptionsUnsetTerminate', options)
    const terminate = () => api.call('RunOptionsSetTerminate', options)
    signal?.addEventListener('abort', terminate, { once: true })
    this.#running += 1
    try {
      await api.callAsync('RunWithBinding', handle.pointer, options, this.#binding.pointer)
    } catch (error) {
      signal?.throwIfAborted()
      throw error
    } finally {
      this.#running -= 1
      signal?.removeEventListener('abort', terminate)
    }
  }

  /** An input of ours for a device is copied when it is tied, so that is done at each run. */
  #isCopied(value: BindableTensor): boolean {
    return this.#session.memory.kind === 'device' && !('address' in value)
  }

  #copyInputs(): void {
    const { api, memory } = this.#session
    if (memory.kind === 'host') return
    for (const [name, value] of this.#inputs) if (this.#isCopied(value)) this.#tie('BindInput', name, value)
    api.call('SynchronizeBoundInputs', this.#binding.pointer)
  }

  #valueOf(value: BindableTensor): Pointer {
    const { api, memory } = this.#session
    if (!('address' in value)) return createValue(api, value)
    if (!(memory instanceof DeviceMemory)) {
      throw new RuntimeError('A tensor of a device was bound to a session that has none.')
    }
    return createDeviceValue(api, value, memory.info)
  }

  #tie(bind: 'BindInput' | 'BindOutput', name: string, value: BindableTensor): void {
    const { api } = this.#session
    const native = this.#valueOf(value)
    try {
      api.call(bind, this.#binding.pointer, name, native)
    } finally {
      // The binding has taken a reference of its own.
      api.release('ReleaseValue', native)
    }
  }
}
