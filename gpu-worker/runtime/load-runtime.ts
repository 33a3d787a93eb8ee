/** Chooses, once at start, how ONNX Runtime is driven. */
import type { OrtRuntime } from './runtime.ts'

/**
 * @param choice the way to use; left out, the C API, and the node binding where the C API can't be reached
 * (no prebuilt koffi for the platform, FFI forbidden); `kind` of the result tells which it became
 * @throws RuntimeError or the loader's error when the chosen way doesn't work here
 * @example
 * const runtime = await loadRuntime()
 * const encoder = await runtime.loadSession('encoder.onnx', { threads: 2 })
 * const { audio_features } = await encoder.run({ mel: tensor('float32', mel, [1, 80, frames]) })
 */
export async function loadRuntime(choice?: OrtRuntime['kind']): Promise<OrtRuntime> {
  preferPlainAttention()
  switch (choice) {
    case 'c-api':
      return await cApiRuntime()
    case 'node-binding':
      return await nodeBindingRuntime()
    case undefined:
      return await cApiRuntime().catch(nodeBindingRuntime)
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

async function cApiRuntime(): Promise<OrtRuntime> {
  const [{ openApi }, { loadCApiSession }] = await Promise.all([
    import('./c-api/api.ts'),
    import('./c-api/session.ts'),
  ])
  const api = openApi()
  return {
    kind: 'c-api',
    version: api.version,
    loadSession: (path, options = {}) => loadCApiSession(api, path, options),
  }
}

async function nodeBindingRuntime(): Promise<OrtRuntime> {
  const [ort, { loadNodeBindingSession }] = await Promise.all([
    import('onnxruntime-node'),
    import('./node-binding/session.ts'),
  ])
  return {
    kind: 'node-binding',
    version: ort.env.versions.node ?? 'unknown',
    loadSession: (path, options = {}) => loadNodeBindingSession(path, options),
  }
}
