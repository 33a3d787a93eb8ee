/** ONNX Runtime's CUDA provider: whether it can be had here, and how a session gets it. */
import koffi from 'koffi'
import type { Device } from '../device.ts'
import { RuntimeError } from '../runtime.ts'
import type { Api, Pointer } from './api.ts'
import { stringArray } from './arguments.ts'
import { countCudaDevices } from './cuda-runtime.ts'

const PROVIDER = 'CUDAExecutionProvider'

/** As many bytes as are asked for, and no search that takes seconds at the first shape of each kind. */
const PROVIDER_OPTIONS = { arena_extend_strategy: 'kSameAsRequested', cudnn_conv_algo_search: 'HEURISTIC' }

/**
 * The GPU, if all that it needs is here.
 * @param index of the device, as CUDA counts those that it sees (CUDA_VISIBLE_DEVICES)
 * @throws RuntimeError that names what is missing and the remedy
 */
export function requireCuda(api: Api, index: number): Device {
  if (!availableProviders(api).includes(PROVIDER)) {
    throw new RuntimeError(
      `This ONNX Runtime (${api.version}) was built without CUDA. Set AURICLE_ORT_LIBRARY to the libonnxruntime.so of a build ` +
        'with it (in PyPI onnxruntime-gpu, for example).',
    )
  }
  const options = api.get('CreateSessionOptions')
  try {
    appendCuda(api, options, index)
  } catch (error) {
    throw new RuntimeError(
      `CUDA can't be used: ${(error as Error).message.trim()}\nONNX Runtime's CUDA provider (libonnxruntime_providers_cuda.so and ` +
        'libonnxruntime_providers_shared.so, of its own version) must lie beside its library, and CUDA and cuDNN, of the ' +
        'versions that the provider was built with, where the loader finds them. infra/docker/worker-cuda.Dockerfile has ' +
        'it all; AURICLE_EXECUTION_PROVIDER=cpu does without.',
      null,
      { cause: error },
    )
  } finally {
    api.release('ReleaseSessionOptions', options)
  }
  const count = countCudaDevices()
  if (index >= count) {
    throw new RuntimeError(`There is no CUDA device ${index}: CUDA sees ${count}. Set AURICLE_DEVICE.`)
  }
  return { provider: 'cuda', index }
}

/** Has a session's operators computed by CUDA, as far as it has them. @throws RuntimeError */
export function appendCuda(api: Api, sessionOptions: Pointer, index: number): void {
  const options = api.get('CreateCUDAProviderOptions')
  try {
    const entries = Object.entries({ device_id: String(index), ...PROVIDER_OPTIONS })
    const keys = stringArray(entries.map(([key]) => key))
    const values = stringArray(entries.map(([, value]) => value))
    api.call('UpdateCUDAProviderOptions', options, keys.pointers, values.pointers, entries.length)
    api.call('SessionOptionsAppendExecutionProvider_CUDA_V2', sessionOptions, options)
  } finally {
    api.release('ReleaseCUDAProviderOptions', options)
  }
}

function availableProviders(api: Api): string[] {
  const names = new BigUint64Array(1)
  const count = new BigUint64Array(1)
  api.call('GetAvailableProviders', names, count)
  // An `int`, written into the zeroed 64 bits.
  const pointers = api.readPointers(names[0]!, Number(count[0]))
  const providers = pointers.map(pointer => koffi.decode.string(pointer))
  api.call('ReleaseAvailableProviders', names[0]!, providers.length)
  return providers
}
