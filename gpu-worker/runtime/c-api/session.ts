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
import { addressOf, stringArray } from './arguments.ts'
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
  const lent = new Set<Uint8Array>()
  try {
    api.call('SetIntraOpNumThreads', native, settings.threads)
    api.call('SetInterOpNumThreads', native, 1)
    api.call('SetSessionGraphOptimizationLevel', native, OPTIMIZATION_LEVELS[settings.graphOptimization])
    for (const [key, value] of Object.entries(configEntries(settings))) {
      api.call('AddSessionConfigEntry', native, key, value)
    }
    const { device, memory, externalFiles } = settings
    for (const data of externalFiles.values()) lent.add(data)
    if (externalFiles.size > 0) addExternalFiles(api, native, externalFiles)
    if (device.provider === 'cuda') appendCuda(api, native, device.index)
    const session = await api.getAsync('CreateSession', api.environment, path, native)
    return new CApiSession(api, session, device.provider === 'cpu' && memory === 'host' ? null : device)
  } catch (error) {
    throw new RuntimeError(`${path} could not be loaded: ${(error as Error).message}`, null, { cause: error })
  } finally {
    api.release('ReleaseSessionOptions', native)
    // Until here, or the collector might have freed what the library was reading.
    lent.clear()
  }
}

/** The names are copied, the data isn't: it must stay until the session is there. */
function addExternalFiles(api: Api, options: Pointer, files: ReadonlyMap<string, Uint8Array>): void {
  const names = stringArray([...files.keys()], process.platform === 'win32' ? 'utf16le' : 'utf8')
  const buffers = BigUint64Array.from(files.values(), addressOf)
  const lengths = BigUint64Array.from(files.values(), data => BigInt(data.byteLength))
  api.call('AddExternalInitializersFromFilesInMemory', options, names.pointers, buffers, lengths, files.size)
}
