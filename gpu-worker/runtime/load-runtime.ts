/** Chooses, once at start, how ONNX Runtime is driven. */
import { CPU, type Device } from './device.ts'
import { type OrtRuntime, RuntimeError } from './runtime.ts'

/** How it is to be driven. */
export interface RuntimeChoice {
  /**
   * Left out, the C API, and the node binding where the C API can't be reached (no prebuilt koffi for the platform, FFI
   * forbidden); `kind` of the result tells which it became.
   */
  kind?: OrtRuntime['kind'] | undefined
  /** `auto` takes the GPU where it can be used, and the CPU where not; `cpu` when left out. */
  provider?: 'cpu' | 'cuda' | 'auto' | undefined
  /** Which GPU; 0 when left out. */
  deviceIndex?: number | undefined
  /** ONNX Runtime's library for the C API; that of onnxruntime-node when left out. */
  library?: string | undefined
}

/**
 * @param onFallback told why `auto` became the CPU
 * @throws RuntimeError or the loader's error when what was chosen doesn't work here
 * @example
 * const runtime = await loadRuntime()
 * const encoder = await runtime.loadSession('encoder.onnx', { threads: 2 })
 * const { audio_features } = await encoder.run({ mel: tensor('float32', mel, [1, 80, frames]) })
 */
export async function loadRuntime(
  choice: RuntimeChoice = {},
  onFallback: (reason: string) => void = () => {},
): Promise<OrtRuntime> {
  preferPlainAttention()
  switch (choice.kind) {
    case 'c-api':
      return await cApiRuntime(choice, onFallback)
    case 'node-binding':
      return await nodeBindingRuntime(choice, onFallback)
    case undefined:
      return await cApiRuntime(choice, onFallback).catch(error => {
        // Who asked for a GPU, or for a library, asked for the C API.
        if (choice.provider === 'cuda' || choice.library !== undefined) throw error
        return nodeBindingRuntime(choice, onFallback)
      })
  }
}

/**
 * GroupQueryAttention's tiled way saves memory that our prompts don't need, and is slower on few cores: 500 tokens
 * read in 557 ms, the plain way 481; a token behind 1,500 others 13.1 and 11.0 ms (docs/log.md). ONNX Runtime has
 * no setting for it but this variable, read when a session is made.
 */
function preferPlainAttention(): void {
  process.env['ORT_GQA_DISABLE_FLASH_ATTENTION'] ??= '1'
}

// Imported when chosen: neither way pays for, or fails with, the other's native code.

async function cApiRuntime(choice: RuntimeChoice, onFallback: (reason: string) => void): Promise<OrtRuntime> {
  const [{ openApi }, { loadCApiSession }, { requireCuda }] = await Promise.all([
    import('./c-api/api.ts'),
    import('./c-api/session.ts'),
    import('./c-api/execution-provider.ts'),
  ])
  const api = openApi(choice.library)
  let deviceInUse = CPU
  return {
    kind: 'c-api',
    version: api.version,
    device: chooseDevice(choice, onFallback, index => requireCuda(api, index)),
    get deviceInUse() {
      return deviceInUse
    },
    async loadSession(path, options = {}) {
      const session = await loadCApiSession(api, path, options)
      if (options.device?.provider === 'cuda') deviceInUse = options.device
      return session
    },
  }
}

async function nodeBindingRuntime(
  choice: RuntimeChoice,
  onFallback: (reason: string) => void,
): Promise<OrtRuntime> {
  const [ort, { loadNodeBindingSession }] = await Promise.all([
    import('onnxruntime-node'),
    import('./node-binding/session.ts'),
  ])
  return {
    kind: 'node-binding',
    version: ort.env.versions.node ?? 'unknown',
    deviceInUse: CPU,
    device: chooseDevice(choice, onFallback, () => {
      throw new RuntimeError(
        'onnxruntime-node’s binding keeps nothing on a GPU. Leave AURICLE_RUNTIME out, or set it to c-api.',
      )
    }),
    loadSession: (path, options = {}) => loadNodeBindingSession(path, options),
  }
}

/** @param requireCuda throws where the GPU can't be used */
function chooseDevice(
  { provider = 'cpu', deviceIndex = 0 }: RuntimeChoice,
  onFallback: (reason: string) => void,
  requireCuda: (index: number) => Device,
): Device {
  if (provider === 'cpu') return CPU
  try {
    return requireCuda(deviceIndex)
  } catch (error) {
    if (provider === 'cuda') throw error
    onFallback((error as Error).message)
    return CPU
  }
}
