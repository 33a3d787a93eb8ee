/** Finds and opens the ONNX Runtime library that the onnxruntime-node package ships. */
import { readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import path from 'node:path'
import koffi, { type LibraryHandle } from 'koffi'
import { RuntimeError } from '../runtime.ts'

/** The name of the library file on each platform; the version in it varies. */
const LIBRARY_NAMES: Readonly<Record<string, RegExp>> = {
  linux: /^libonnxruntime\.so(\.\d+)*$/,
  darwin: /^libonnxruntime(\.\d+)*\.dylib$/,
  win32: /^onnxruntime\.dll$/,
}

/**
 * koffi runs an asynchronous call on a stack of its own, 128 KiB unless told otherwise; MLAS kernels keep whole
 * panels on the stack. Pages are taken only when touched.
 */
const ASYNC_STACK_BYTES = 4 * 1024 * 1024

/**
 * The path of the library for this platform and architecture.
 * @throws RuntimeError when onnxruntime-node has none for it
 */
export function findLibrary(
  platform: string = process.platform,
  architecture: string = process.arch,
): string {
  const name = LIBRARY_NAMES[platform]
  if (name === undefined) throw new RuntimeError(`onnxruntime-node has no library for ${platform}.`)
  // The package's main file is dist/index.js; require.resolve finds it without running it.
  const root = path.dirname(path.dirname(createRequire(import.meta.url).resolve('onnxruntime-node')))
  const bin = path.join(root, 'bin')
  for (const napiVersion of list(bin)) {
    const folder = path.join(bin, napiVersion, platform, architecture)
    const file = list(folder).find(entry => name.test(entry))
    if (file !== undefined) return path.join(folder, file)
  }
  throw new RuntimeError(`onnxruntime-node has no library for ${platform}-${architecture} in ${bin}.`)
}

/**
 * Opens the library once; later calls return the same handle.
 * @throws RuntimeError when it can't be loaded
 */
export function openLibrary(file = findLibrary()): LibraryHandle {
  if (opened) return opened
  koffi.config({ ...koffi.config(), async_stack_size: ASYNC_STACK_BYTES })
  try {
    opened = koffi.load(file)
  } catch (error) {
    throw new RuntimeError(`${file} can't be loaded: ${(error as Error).message}`, null, { cause: error })
  }
  return opened
}

/** A library stays mapped for the life of the process: its threads and statics don't survive unloading. */
let opened: LibraryHandle | undefined

function list(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}
