/** A model loaded through the C API. */
import type { Device } from '../device.ts'
import {
  configEntries,
  type OrtSession,
  type RunOptions,
  RuntimeError,
  SESSION_DEFAULTS,
  type SessionOptions,
  type ValueInfo,
} from '../runtime.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { Tensor } from '../tensor.ts'
import { HOST_MEMORY, type TensorMemory } from '../tensor-memory.ts'
import type { Api, Pointer } from './api.ts'
import { CApiBinding } from './binding.ts'
import { DeviceMemory } from './device-memory.ts'
import { appendCuda } from './execution-provider.ts'
import { NativeHandle } from './native-handle.ts'
import { readValueInfos } from './values.ts'

/** GraphOptimizationLevel of onnxruntime_c_api.h. */
const OPTIMIZATION_LEVELS = { disabled: 0, basic: 1, extended: 2, all: 99 } as const

/** @see OrtSession; made by `OrtRuntime.loadSession()` */
export class CApiSession implements OrtSession {
  readonly api: Api
  readonly handle: NativeHandle
  readonly queue = new SerialQueue()
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly memory: TensorMemory
  /** Weak, so that a forgotten binding can still be collected. */
  readonly #bindings = new Set<WeakRef<CApiBinding>>()

  /** @param device whose memory is used; null for JavaScript's */
  constructor(api: Api, pointer: Pointer, device: Device | null) {
    this.api = api
    this.handle = new NativeHandle(pointer, released => api.release('ReleaseSession', released))
    this.inputs = readValueInfos(api, pointer, 'Input')
    this.outputs = readValueInfos(api, pointer, 'Output')
    this.memory = device ? new DeviceMemory(api, pointer, device) : HOST_MEMORY
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputNames: readonly string[] = this.outputs.map(output => output.name),
    options: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const binding = new CApiBinding(this)
    try {
      for (const [name, value] of Object.entries(feeds)) binding.bindInput(name, value)
      for (const name of outputNames) binding.allocateOutput(name)
      await binding.run(options)
      const values = binding.takeOutputs()
      return Object.fromEntries(outputNames.map((name, index) => [name, values[index]!]))
    } finally {
      binding.release()
    }
  }

  createBinding(): CApiBinding {
    const binding = new CApiBinding(this)
    for (const reference of this.#bindings) if (!reference.deref()) this.#bindings.delete(reference)
    this.#bindings.add(new WeakRef(binding))
    return binding
  }

  async release(): Promise<void> {
    await this.queue.run(async () => {
      for (const reference of this.#bindings) reference.deref()?.release()
      this.#bindings.clear()
      if (this.handle.released) return
      if (this.memory instanceof DeviceMemory) this.memory.release()
      this.handle.release()
    })
  }
}

/**
 * Loads a model on a thread of the pool.
 * @throws RuntimeError
 */
export async function loadCApiSession(api: Api, path: string, options: SessionOptions): Promise<CApiSession> {
  const settings = { ...SESSION_DEFAULTS, ...options }
  const native = api.get('CreateSessionOptions')
  try {
    api.call('SetIntraOpNumThreads', native, settings.threads)
    api.call('SetInterOpNumThreads', native, 1)
    api.call('SetSessionGraphOptimizationLevel', native, OPTIMIZATION_LEVELS[settings.graphOptimization])
    for (const [key, value] of Object.entries(configEntries(settings))) {
      api.call('AddSessionConfigEntry', native, key, value)
    }
    const { device, memory } = settings
    if (device.provider === 'cuda') appendCuda(api, native, device.index)
    const session = await api.getAsync('CreateSession', api.environment, path, native)
    return new CApiSession(api, session, device.provider === 'cpu' && memory === 'host' ? null : device)
  } catch (error) {
    throw new RuntimeError(`${path} could not be loaded: ${(error as Error).message}`, null, { cause: error })
  } finally {
    api.release('ReleaseSessionOptions', native)
  }
}
