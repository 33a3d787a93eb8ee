/**
 * The few functions of CUDA's runtime library that ONNX Runtime's C API has no counterpart for: which devices there
 * are, and copies inside a device. The library is the one that ONNX Runtime's CUDA provider has loaded.
 * Source: cuda_runtime_api.h of CUDA 12.
 */
import koffi, { type LibraryHandle } from 'koffi'
import { RuntimeError } from '../runtime.ts'
import type { DeviceCopies } from './device-memory.ts'

const LIBRARIES =
  process.platform === 'win32' ? ['cudart64_12', 'cudart64_13'] : ['libcudart.so.12', 'libcudart.so.13']

/** cudaMemcpyKind. */
const [HOST_TO_DEVICE, DEVICE_TO_HOST, DEVICE_TO_DEVICE] = [1, 2, 3]

/** How many devices CUDA sees. @throws RuntimeError in CUDA's words, such as `no CUDA-capable device is detected` */
export function countCudaDevices(): number {
  const count = new Int32Array(1)
  openCuda().call('cudaGetDeviceCount', count)
  return count[0]!
}

/**
 * Copies on one device. They are ordered on CUDA's default stream, which ONNX Runtime's doesn't wait for, so each is
 * waited for here.
 * @throws RuntimeError when CUDA has no such device
 */
export function openCudaCopies(index: number): DeviceCopies {
  const { call } = openCuda()
  const onDevice = (name: FunctionName, ...args: Argument[]) => {
    call('cudaSetDevice', index)
    call(name, ...args)
    call('cudaStreamSynchronize', null)
  }
  return {
    clear: (target, bytes) => onDevice('cudaMemset', target, 0, bytes),
    write: (target, source) => onDevice('cudaMemcpy', target, source, source.length, HOST_TO_DEVICE),
    read: (target, source) => onDevice('cudaMemcpy', target, source, target.length, DEVICE_TO_HOST),
    copyRows: (target, source, rows, width, pitch) =>
      onDevice('cudaMemcpy2D', target, pitch, source, pitch, width, rows, DEVICE_TO_DEVICE),
  }
}

const POINTER = 'void *'

/** cudaError_t, arguments. */
const SIGNATURES = {
  cudaGetDeviceCount: ['int', [POINTER]],
  cudaSetDevice: ['int', ['int']],
  cudaMemset: ['int', [POINTER, 'int', 'size_t']],
  cudaMemcpy: ['int', [POINTER, POINTER, 'size_t', 'int']],
  cudaMemcpy2D: ['int', [POINTER, 'size_t', POINTER, 'size_t', 'size_t', 'size_t', 'int']],
  cudaStreamSynchronize: ['int', [POINTER]],
  cudaGetErrorString: ['str', ['int']],
} as const satisfies Record<string, readonly [string, readonly string[]]>

type FunctionName = keyof typeof SIGNATURES
type Argument = bigint | number | null | Int32Array | Uint8Array

interface Cuda {
  /** @throws RuntimeError in CUDA's words */
  call(name: FunctionName, ...args: Argument[]): void
}

/** A library stays mapped for the life of the process. */
let opened: Cuda | undefined

function openCuda(): Cuda {
  opened ??= bind(loadFirst())
  return opened
}

function loadFirst(): LibraryHandle {
  const failures: string[] = []
  for (const name of LIBRARIES) {
    try {
      return koffi.load(name)
    } catch (error) {
      failures.push((error as Error).message)
    }
  }
  throw new RuntimeError(`CUDA's runtime library can't be loaded: ${failures.join('; ')}`)
}

function bind(library: LibraryHandle): Cuda {
  const functions = new Map(
    Object.entries(SIGNATURES).map(([name, [result, parameters]]) => [
      name as FunctionName,
      library.func(name, result, [...parameters]),
    ]),
  )
  return {
    call(name, ...args) {
      const code = functions.get(name)!(...args) as number
      if (code === 0) return
      const message = String(functions.get('cudaGetErrorString')!(code))
      throw new RuntimeError(`CUDA: ${message} (${name}, error ${code})`)
    },
  }
}
