/**
 * The functions of ONNX Runtime's C API that we use. `OrtGetApiBase()->GetApi(version)` returns a table of
 * function pointers (`struct OrtApi` in onnxruntime_c_api.h) that only ever grows at its end, so a function's
 * place is fixed for good. The places below were read from the header of 1.22 and hold for every later one.
 */
import koffi, { type KoffiFunc } from 'koffi'
import { RuntimeError } from '../runtime.ts'
import { openLibrary } from './library.ts'

/** The API version that we ask for: the oldest that has all we use, so that newer libraries serve it too. */
const API_VERSION = 22

/** A native address; 0n and null are none. */
export type Pointer = bigint | null
/** An `OrtStatus*`: null is success. */
export type Status = Pointer
/** Receives one pointer, size or integer of 64 bits. */
type Out = BigUint64Array | BigInt64Array

const POINTER = 'void *'
// ORTCHAR_T: UTF-16 on Windows, UTF-8 elsewhere.
const PATH = process.platform === 'win32' ? 'str16' : 'str'

/** Place in the table, result, arguments. */
const SIGNATURES = {
  GetErrorCode: [1, 'int', [POINTER]],
  GetErrorMessage: [2, 'str', [POINTER]],
  CreateEnv: [3, POINTER, ['int', 'str', POINTER]],
  CreateSession: [7, POINTER, [POINTER, PATH, POINTER, POINTER]],
  CreateSessionOptions: [10, POINTER, [POINTER]],
  SetSessionGraphOptimizationLevel: [23, POINTER, [POINTER, 'int']],
  SetIntraOpNumThreads: [24, POINTER, [POINTER, 'int']],
  SetInterOpNumThreads: [25, POINTER, [POINTER, 'int']],
  SessionGetInputCount: [30, POINTER, [POINTER, POINTER]],
  SessionGetOutputCount: [31, POINTER, [POINTER, POINTER]],
  SessionGetInputTypeInfo: [33, POINTER, [POINTER, 'size_t', POINTER]],
  SessionGetOutputTypeInfo: [34, POINTER, [POINTER, 'size_t', POINTER]],
  SessionGetInputName: [36, POINTER, [POINTER, 'size_t', POINTER, POINTER]],
  SessionGetOutputName: [37, POINTER, [POINTER, 'size_t', POINTER, POINTER]],
  CreateRunOptions: [39, POINTER, [POINTER]],
  RunOptionsSetTerminate: [46, POINTER, [POINTER]],
  RunOptionsUnsetTerminate: [47, POINTER, [POINTER]],
  CreateTensorAsOrtValue: [48, POINTER, [POINTER, POINTER, 'size_t', 'int', POINTER]],
  CreateTensorWithDataAsOrtValue: [
    49,
    POINTER,
    [POINTER, POINTER, 'size_t', POINTER, 'size_t', 'int', POINTER],
  ],
  GetTensorMutableData: [51, POINTER, [POINTER, POINTER]],
  CastTypeInfoToTensorInfo: [55, POINTER, [POINTER, POINTER]],
  GetTensorElementType: [60, POINTER, [POINTER, POINTER]],
  GetDimensionsCount: [61, POINTER, [POINTER, POINTER]],
  GetDimensions: [62, POINTER, [POINTER, POINTER, 'size_t']],
  GetTensorTypeAndShape: [65, POINTER, [POINTER, POINTER]],
  CreateMemoryInfo: [68, POINTER, ['str', 'int', 'int', 'int', POINTER]],
  CreateCpuMemoryInfo: [69, POINTER, ['int', 'int', POINTER]],
  AllocatorFree: [76, POINTER, [POINTER, POINTER]],
  GetAllocatorWithDefaultOptions: [78, POINTER, [POINTER]],
  ReleaseEnv: [92, 'void', [POINTER]],
  ReleaseStatus: [93, 'void', [POINTER]],
  ReleaseSession: [95, 'void', [POINTER]],
  ReleaseValue: [96, 'void', [POINTER]],
  ReleaseMemoryInfo: [94, 'void', [POINTER]],
  ReleaseRunOptions: [97, 'void', [POINTER]],
  ReleaseTypeInfo: [98, 'void', [POINTER]],
  ReleaseTensorTypeAndShapeInfo: [99, 'void', [POINTER]],
  ReleaseSessionOptions: [100, 'void', [POINTER]],
  GetAvailableProviders: [125, POINTER, [POINTER, POINTER]],
  ReleaseAvailableProviders: [126, POINTER, [POINTER, 'int']],
  AddSessionConfigEntry: [130, POINTER, [POINTER, 'str', 'str']],
  CreateAllocator: [131, POINTER, [POINTER, POINTER, POINTER]],
  ReleaseAllocator: [132, 'void', [POINTER]],
  RunWithBinding: [133, POINTER, [POINTER, POINTER, POINTER]],
  CreateIoBinding: [134, POINTER, [POINTER, POINTER]],
  ReleaseIoBinding: [135, 'void', [POINTER]],
  BindInput: [136, POINTER, [POINTER, 'str', POINTER]],
  BindOutput: [137, POINTER, [POINTER, 'str', POINTER]],
  BindOutputToDevice: [138, POINTER, [POINTER, 'str', POINTER]],
  GetBoundOutputValues: [140, POINTER, [POINTER, POINTER, POINTER, POINTER]],
  SynchronizeBoundInputs: [202, POINTER, [POINTER]],
  SessionOptionsAppendExecutionProvider_CUDA_V2: [204, POINTER, [POINTER, POINTER]],
  CreateCUDAProviderOptions: [205, POINTER, [POINTER]],
  UpdateCUDAProviderOptions: [206, POINTER, [POINTER, POINTER, POINTER, 'size_t']],
  ReleaseCUDAProviderOptions: [208, 'void', [POINTER]],
  AddExternalInitializersFromFilesInMemory: [279, POINTER, [POINTER, POINTER, POINTER, POINTER, 'size_t']],
} as const satisfies Record<string, readonly [number, string, readonly string[]]>

type FunctionName = keyof typeof SIGNATURES
type Argument = Pointer | Out | string | number
type NativeFunction = KoffiFunc<(...args: Argument[]) => Pointer>

/** The API with its places filled in, an environment, and the helpers around status and out-parameters. */
export interface Api {
  readonly version: string
  readonly environment: Pointer
  /** The default CPU allocator; owned by the library. */
  readonly allocator: Pointer
  /** Describes memory that we allocated. */
  readonly cpuMemory: Pointer
  /** Calls a function that returns a status. @throws RuntimeError */
  call(name: FunctionName, ...args: Argument[]): void
  /** The same on a thread of the pool; the event loop goes on. */
  callAsync(name: FunctionName, ...args: Argument[]): Promise<void>
  /** Calls a function whose last parameter receives a pointer, size or 64-bit integer, and returns that. */
  get(name: FunctionName, ...args: Argument[]): bigint
  getAsync(name: FunctionName, ...args: Argument[]): Promise<bigint>
  /** Reads `count` pointers from native memory. */
  readPointers(address: bigint, count: number): bigint[]
  /** Calls a `Release...` function. */
  release(name: FunctionName, pointer: Pointer): void
}

/**
 * Opens the library and makes its environment; later calls return the same.
 * @param library its path; that of onnxruntime-node when left out
 * @throws RuntimeError when the library is missing or too old for us
 */
export function openApi(library?: string): Api {
  api ??= createApi(library)
  return api
}

let api: Api | undefined

function createApi(library: string | undefined): Api {
  const base = openLibrary(library).func('OrtGetApiBase', POINTER, [])() as Pointer
  const [getApi, getVersion] = koffi.decode(base, POINTER, 2) as [bigint, bigint]
  const version = nativeFunction(getVersion, 'str', [])() as unknown as string
  const table = nativeFunction(getApi, POINTER, ['uint32_t'])(API_VERSION)
  if (!table) throw new RuntimeError(`ONNX Runtime ${version} has no C API of version ${API_VERSION}.`)

  const functions = new Map<FunctionName, NativeFunction>()
  for (const [name, [place, result, parameters]] of Object.entries(SIGNATURES)) {
    const address = koffi.decode(table, place * koffi.sizeof(POINTER), POINTER) as bigint
    functions.set(name as FunctionName, nativeFunction(address, result, parameters))
  }
  const native = (name: FunctionName): NativeFunction => functions.get(name)!

  const check = (name: FunctionName, status: Status): void => {
    if (!status) return
    const code = Number(native('GetErrorCode')(status))
    const message = String(native('GetErrorMessage')(status))
    native('ReleaseStatus')(status)
    throw new RuntimeError(`${message} (${name})`, code)
  }
  const call = (name: FunctionName, ...args: Argument[]): void => check(name, native(name)(...args))
  const callAsync = async (name: FunctionName, ...args: Argument[]): Promise<void> => {
    const status = await new Promise<Status>((resolve, reject) => {
      native(name).async(...args, (error: unknown, result: Status) =>
        error ? reject(error) : resolve(result),
      )
    })
    check(name, status)
  }
  // Safe to share: a synchronous call has read it before the next one begins.
  const received = new BigUint64Array(1)
  const get = (name: FunctionName, ...args: Argument[]): bigint => {
    received[0] = 0n
    call(name, ...args, received)
    return received[0]
  }
  const getAsync = async (name: FunctionName, ...args: Argument[]): Promise<bigint> => {
    const out = new BigUint64Array(1)
    await callAsync(name, ...args, out)
    return out[0]!
  }
  const readPointers = (address: bigint, count: number): bigint[] =>
    count === 0 ? [] : (koffi.decode(address, POINTER, count) as bigint[])
  const release = (name: FunctionName, pointer: Pointer): void => void native(name)(pointer)

  // Errors come back as statuses; a terminated run would log one too.
  const FATAL_ONLY = 4
  const environment = get('CreateEnv', FATAL_ONLY, 'auricle')
  const allocator = get('GetAllocatorWithDefaultOptions')
  const [ARENA_ALLOCATOR, MEMORY_TYPE_DEFAULT] = [1, 0]
  const cpuMemory = get('CreateCpuMemoryInfo', ARENA_ALLOCATOR, MEMORY_TYPE_DEFAULT)
  return { version, environment, allocator, cpuMemory, call, callAsync, get, getAsync, readPointers, release }
}

function nativeFunction(address: bigint, result: string, parameters: readonly string[]): NativeFunction {
  return koffi.decode(address, koffi.proto(result, [...parameters])) as NativeFunction
}
