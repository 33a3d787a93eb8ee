/**
 * What the model and the engine see of ONNX Runtime. Two implementations: `c-api/` (the C API through koffi:
 * runs off the event loop, tensors stay in place) and `node-binding/` (the onnxruntime-node binding: works
 * everywhere, copies and blocks). `load-runtime.ts` chooses one at start.
 */

import { CPU, type Device } from './device.ts'
import { exactProducts } from './exact-products.ts'
import type { BindableTensor, ElementType, Tensor } from './tensor.ts'
import type { TensorMemory } from './tensor-memory.ts'

/** How a session is made. Everything has a default; see `SESSION_DEFAULTS`. */
export interface SessionOptions {
  /** What computes it: the CPU, unless the model was made for the runtime's device. */
  device?: Device
  /** Whose memory `session.memory` is; on a GPU always its own. On a CPU the device's is only for tests. */
  memory?: 'host' | 'device'
  /** Threads inside one operator. */
  threads?: number
  /**
   * How long a thread busy-waits for the next operator before it sleeps, while a run is under way. Measured on
   * two cores, one stream of the pocket model: 0 gives 76 tokens a second, 100 and more 104 to 107; beside
   * other processes long spinning halves the speed.
   */
  spinMicroseconds?: number
  graphOptimization?: 'disabled' | 'basic' | 'extended' | 'all'
  /** Weights are repacked for the kernels at load: faster runs, more memory. */
  prepacking?: boolean
  /**
   * The files of external data, by the names that the graph calls them: all of them, or none, and they are read from
   * beside the model. ONNX Runtime copies what it needs; they may go once the session is there.
   */
  externalFiles?: ReadonlyMap<string, Uint8Array>
  /** ONNX Runtime's session configuration entries, e.g. `session.dynamic_block_base`. */
  config?: Readonly<Record<string, string>>
}

/** What a model says of an input or output. */
export interface ValueInfo {
  readonly name: string
  /** The element type, or the runtime's own name of one that `ElementType` doesn't have. */
  readonly type: ElementType | (string & {})
  /** The size of each dimension; `null` where it is dynamic. */
  readonly dims: readonly (number | null)[]
}

/** What one run may be given. */
export interface RunOptions {
  /** Aborting ends the run between two operators (c-api) or before it starts (node-binding). */
  signal?: AbortSignal
}

/** ONNX Runtime, by one of the two ways. */
export interface OrtRuntime {
  readonly kind: 'c-api' | 'node-binding'
  /** The version of the ONNX Runtime library, e.g. `1.30.0`. */
  readonly version: string
  /** For models that run on a GPU: the one that was asked for, else the CPU. */
  readonly device: Device
  /** What computes in fact: the GPU as soon as a session that is loaded is on it. */
  readonly deviceInUse: Device
  /**
   * Loads a model from a file; external data is found beside it, or in `externalFiles`.
   * @throws RuntimeError when the file is missing or isn't a model that this library runs
   */
  loadSession(path: string, options?: SessionOptions): Promise<OrtSession>
}

/** A loaded model. Its runs never overlap: each waits for the one before it. */
export interface OrtSession {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  /** Where what is bound from run to run best lies. */
  readonly memory: TensorMemory
  /**
   * The plain way: every output in fresh memory. For models that run once a request (encoder, connector).
   * @param outputNames which outputs are computed and returned; all of them when left out
   * @throws RuntimeError; or the signal's reason when it was aborted
   */
  run(
    feeds: Readonly<Record<string, Tensor>>,
    outputNames?: readonly string[],
    options?: RunOptions,
  ): Promise<Record<string, Tensor>>
  /** The fast way: inputs and outputs tied to our memory once, run many times. */
  createBinding(): OrtBinding
  /** Waits for the run in progress, then frees the model and its bindings. Idempotent. */
  release(): Promise<void>
}

/**
 * Inputs and outputs tied to tensors of ours. A tie holds until it is replaced: between runs the caller writes
 * into the same arrays. Binding one array as a `past_*` input and a `present_*` output makes
 * GroupQueryAttention append in place. While `run()` is under way neither the ties nor the arrays of this
 * binding may be touched.
 */
export interface OrtBinding {
  /** @throws RuntimeError when the model has no such input, or another type of it */
  bindInput(name: string, value: BindableTensor): void
  /**
   * `value.dims` must be the shape that the run will produce. Outputs that aren't tied aren't computed.
   * @throws RuntimeError when the model has no such output, or another type of it
   */
  bindOutput(name: string, value: BindableTensor): void
  /** @throws RuntimeError; or the signal's reason when it was aborted */
  run(options?: RunOptions): Promise<void>
  /** Frees the native side; the arrays are the caller's. Idempotent. */
  release(): void
}

/** What went wrong in ONNX Runtime, in its words, with what we were doing. */
export class RuntimeError extends Error {
  override readonly name = 'RuntimeError'
  /** ONNX Runtime's code, where there is one (OrtErrorCode in onnxruntime_c_api.h). */
  readonly ortCode: number | null

  constructor(message: string, ortCode: number | null = null, options?: ErrorOptions) {
    super(message, options)
    this.ortCode = ortCode
  }
}

/**
 * Both runtimes check names and types alike.
 * @throws RuntimeError when `values` has no `name`, or another type of it
 */
export function requireValue(values: readonly ValueInfo[], name: string, type: ElementType): void {
  const value = values.find(candidate => candidate.name === name)
  if (value === undefined) {
    throw new RuntimeError(`The model has no ${name}; it has ${values.map(({ name }) => name).join(', ')}.`)
  }
  if (value.type !== type) throw new RuntimeError(`${name} is ${value.type} in the model, not ${type}.`)
}

/**
 * A run with an input missing would fail somewhere inside the graph.
 * @throws RuntimeError that names what is missing
 */
export function requireInputs(inputs: readonly ValueInfo[], bound: { has(name: string): boolean }): void {
  const missing = inputs.filter(({ name }) => !bound.has(name)).map(({ name }) => name)
  if (missing.length > 0) throw new RuntimeError(`Inputs of the model are missing: ${missing.join(', ')}.`)
}

/** A session's entries of ONNX Runtime's configuration (onnxruntime_session_options_config_keys.h), by key. */
export function configEntries(settings: Required<SessionOptions>): Record<string, string> {
  const { spinMicroseconds, prepacking, config } = settings
  return {
    'session.intra_op.allow_spinning': spinMicroseconds > 0 ? '1' : '0',
    'session.intra_op.spin_duration_us': String(spinMicroseconds),
    'session.inter_op.allow_spinning': '0',
    // Nobody spins between two runs.
    'session.force_spinning_stop': '1',
    'session.disable_prepacking': prepacking ? '0' : '1',
    'session.x64quantprecision': exactProducts ? '0' : '1',
    ...config,
  }
}

/** The session options used when the caller gives none. */
export const SESSION_DEFAULTS: Required<SessionOptions> = {
  device: CPU,
  memory: 'host',
  threads: 2,
  spinMicroseconds: 100,
  graphOptimization: 'all',
  prepacking: true,
  externalFiles: new Map(),
  config: {},
}
