/**
 * The fallback: the binding that onnxruntime-node itself offers. It runs on the event loop's thread and copies
 * every output once more; preallocated outputs are still written in place, so a KV buffer shared by past and
 * present works the same.
 */
import * as ort from 'onnxruntime-node'
import {
  configEntries,
  type OrtBinding,
  type OrtSession,
  type RunOptions,
  RuntimeError,
  requireInputs,
  requireValue,
  SESSION_DEFAULTS,
  type SessionOptions,
  type ValueInfo,
} from '../runtime.ts'
import { SerialQueue } from '../serial-queue.ts'
import type { BindableTensor, ElementType, Tensor } from '../tensor.ts'
import { HOST_MEMORY } from '../tensor-memory.ts'

/** @see OrtSession */
export class NodeBindingSession implements OrtSession {
  readonly inputs: readonly ValueInfo[]
  readonly outputs: readonly ValueInfo[]
  readonly memory = HOST_MEMORY
  readonly #session: ort.InferenceSession
  readonly #queue = new SerialQueue()
  #released = false

  constructor(session: ort.InferenceSession) {
    this.#session = session
    this.inputs = session.inputMetadata.map(toValueInfo)
    this.outputs = session.outputMetadata.map(toValueInfo)
  }

  async run(
    feeds: Readonly<Record<string, Tensor>>,
    outputNames: readonly string[] = this.outputs.map(output => output.name),
    { signal }: RunOptions = {},
  ): Promise<Record<string, Tensor>> {
    const results = await this.#run(mapValues(feeds, toOrtTensor), outputNames, signal)
    return Object.fromEntries(outputNames.map(name => [name, fromOrtTensor(results[name]!)]))
  }

  createBinding(): OrtBinding {
    const inputs: Record<string, ort.Tensor> = {}
    const outputs: Record<string, ort.Tensor> = {}
    let released = false
    return {
      bindInput: (name, value) => {
        requireValue(this.inputs, name, value.type)
        inputs[name] = toOrtTensor(value)
      },
      bindOutput: (name, value) => {
        requireValue(this.outputs, name, value.type)
        outputs[name] = toOrtTensor(value)
      },
      run: async ({ signal } = {}) => {
        if (released) throw new Error('This was released.')
        await this.#run(inputs, outputs, signal)
      },
      release: () => {
        released = true
      },
    }
  }

  async release(): Promise<void> {
    await this.#queue.run(async () => {
      if (this.#released) return
      this.#released = true
      await this.#session.release()
    })
  }

  #run(
    feeds: Readonly<Record<string, ort.Tensor>>,
    fetches: readonly string[] | Readonly<Record<string, ort.Tensor>>,
    signal: AbortSignal | undefined,
  ): Promise<Record<string, ort.Tensor>> {
    return this.#queue.run(async () => {
      signal?.throwIfAborted()
      if (this.#released) throw new Error('This was released.')
      requireInputs(this.inputs, new Set(Object.keys(feeds)))
      try {
        return (await this.#session.run(feeds, fetches as ort.InferenceSession.FetchesType)) as Record<
          string,
          ort.Tensor
        >
      } catch (error) {
        throw new RuntimeError((error as Error).message, null, { cause: error })
      }
    })
  }
}

/**
 * Loads a model.
 * @throws RuntimeError
 */
export async function loadNodeBindingSession(
  path: string,
  options: SessionOptions,
): Promise<NodeBindingSession> {
  const settings = { ...SESSION_DEFAULTS, ...options }
  try {
    const session = await ort.InferenceSession.create(path, {
      intraOpNumThreads: settings.threads,
      interOpNumThreads: 1,
      graphOptimizationLevel: settings.graphOptimization,
      externalData: Array.from(settings.externalFiles, ([path, data]) => ({
        path,
        data: Buffer.from(data.buffer, data.byteOffset, data.byteLength),
      })),
      // The binding makes `a.b.c` of nested objects; keys with points in them go through as they are.
      extra: configEntries(settings),
    })
    return new NodeBindingSession(session)
  } catch (error) {
    throw new RuntimeError(`${path} could not be loaded: ${(error as Error).message}`, null, { cause: error })
  }
}

/** @throws RuntimeError for a device's tensor: this binding has no memory but JavaScript's */
function toOrtTensor(value: BindableTensor): ort.Tensor {
  if ('address' in value) throw new RuntimeError('The node binding takes no tensor of a device.')
  return new ort.Tensor(value.type, value.data as ort.Tensor['data'] & object, value.dims)
}

function fromOrtTensor(value: ort.Tensor): Tensor {
  return { type: value.type as ElementType, data: value.data as Tensor['data'], dims: value.dims }
}

function toValueInfo(metadata: ort.InferenceSession.ValueMetadata): ValueInfo {
  if (!metadata.isTensor) return { name: metadata.name, type: 'not a tensor', dims: [] }
  const dims = metadata.shape.map(dim => (typeof dim === 'number' ? dim : null))
  return { name: metadata.name, type: metadata.type, dims }
}

function mapValues<A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> {
  return Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]))
}
