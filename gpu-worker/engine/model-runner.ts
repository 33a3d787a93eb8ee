/** Carries out the scheduler's plans on the decoder. */
import { setImmediate } from 'node:timers/promises'
import type { OrtSession } from '../runtime/runtime.ts'
import { type BindableTensor, elementCount } from '../runtime/tensor.ts'
import { DecoderBinding } from './decoder-binding.ts'
import { KV_TYPES, KvCache, type KvLayout } from './kv-cache.ts'
import type { DecodeRow, Plan, PrefillChunk, SlotMove } from './plan.ts'
import { type SlotRange, toSlotRanges } from './slot-ranges.ts'
import type { AdapterWeights, TokenEmbeddings } from './types.ts'

/** What a sequence brings to its prefill. */
export interface PrefillInput {
  /** [prompt, hidden] f32 */
  readonly embeddings: Float32Array
  /** Ends a chunk that is being computed. */
  readonly signal: AbortSignal
}

/** What one sequence's part of a plan gave. */
export type StepResult =
  | {
      readonly kind: 'logits'
      readonly id: string
      /** Each [vocabulary] f32, of the position that was due and behind each draft; until the next result is asked for. */
      readonly logits: readonly Float32Array[]
      readonly drafts: readonly number[]
    }
  | { readonly kind: 'computed'; readonly id: string }
  | { readonly kind: 'failed'; readonly id: string; readonly error: unknown }

/** What the runner computes with. */
export interface RunnerModel {
  readonly decoder: OrtSession
  readonly embeddings: TokenEmbeddings
  readonly checkpoints: ReadonlyMap<string, AdapterWeights>
}

/** What its memory must hold. */
export type RunnerBounds = Pick<KvLayout, 'slots' | 'slotCapacity' | 'kvBytes'> & {
  readonly maxDrafts?: number
}

/** How long slots are moved at a time: a health request waits behind it. */
const MAX_BUSY_MS = 4

/** Bindings are small, but there is one for each range of slots and checkpoint ever used. */
const MAX_BINDINGS = 128

/** @see file comment */
export class ModelRunner {
  readonly cache: KvCache
  readonly #model: RunnerModel
  readonly #sizes: { hidden: number; vocabulary: number }
  readonly #adapters: Map<string | null, ReadonlyMap<string, BindableTensor>>
  readonly #bindings = new Map<string, DecoderBinding>()
  /** [slots, hidden] f32: what goes into a decode; or a row with its drafts, [1 + drafts, hidden] */
  readonly #stepEmbeddings: Float32Array
  /** [slots, vocabulary] f32; or [1 + drafts, vocabulary] */
  readonly #logits: Float32Array

  /** @throws RangeError when the decoder or an adapter isn't what we can run */
  constructor(model: RunnerModel, bounds: RunnerBounds) {
    const { decoder, embeddings, checkpoints } = model
    this.#model = model
    this.#sizes = { hidden: embeddings.hiddenSize, vocabulary: outputWidth(decoder, 'logits') }
    this.cache = new KvCache({ ...readKvShape(decoder), ...bounds }, decoder.memory)
    this.#adapters = new Map([[null, adapterInputs(decoder, new Map())]])
    for (const [name, weights] of checkpoints) this.addAdapter(name, weights)
    const rows = Math.max(bounds.slots, 1 + (bounds.maxDrafts ?? 0))
    this.#stepEmbeddings = new Float32Array(rows * this.#sizes.hidden)
    this.#logits = new Float32Array(rows * this.#sizes.vocabulary)
  }

  hasAdapter(name: string): boolean {
    return this.#adapters.has(name)
  }

  /** @throws RangeError when the decoder has no such inputs */
  addAdapter(name: string, weights: AdapterWeights): void {
    this.#adapters.set(name, adapterInputs(this.#model.decoder, weights))
  }

  /** Between two runs. */
  removeAdapter(name: string): void {
    this.#adapters.delete(name)
    for (const [key, binding] of this.#bindings) {
      if (JSON.parse(key)[0] !== name) continue
      binding.release()
      this.#bindings.delete(key)
    }
  }

  get vocabularySize(): number {
    return this.#sizes.vocabulary
  }

  /**
   * Runs a plan, result by result. A run that fails fails its own sequences only.
   * @param inputs of the sequences that the plan prefills; who isn't there any more is left out
   */
  async *execute(plan: Plan, inputs: ReadonlyMap<string, PrefillInput>): AsyncGenerator<StepResult, void> {
    for (const move of plan.moves) await this.#move(move)
    this.cache.take(plan.slotLengths, endsOf(plan))
    const lengths = [...plan.slotLengths]
    for (const range of toSlotRanges(plan.decodes, lengths)) yield* this.#decode(range, lengths)
    for (const chunk of plan.prefills) {
      const input = inputs.get(chunk.id)
      if (input !== undefined) yield await this.#prefill(chunk, input)
    }
  }

  async #move(move: SlotMove): Promise<void> {
    let sinceMs = performance.now()
    for (const _ of this.cache.move(move)) {
      if (performance.now() - sinceMs < MAX_BUSY_MS) continue
      await setImmediate()
      sinceMs = performance.now()
    }
  }

  /** After the last run: frees the native side. */
  release(): void {
    for (const binding of this.#bindings.values()) binding.release()
    this.#bindings.clear()
  }

  /**
   * One token of each row. Idle slots inside the range are computed too: what they write goes behind their
   * valid positions, where nothing is read before it is overwritten.
   */
  async *#decode(range: SlotRange, lengths: number[]): AsyncGenerator<StepResult, void> {
    const { first, count, rows } = range
    if (rows[0]!.drafts.length > 0) return yield await this.#decodeDrafts(rows[0]!)
    const { hidden, vocabulary } = this.#sizes
    const embeddings = this.#stepEmbeddings.subarray(0, count * hidden)
    for (const { slot, token } of rows) {
      this.#model.embeddings.lookup(token, embeddings, (slot - first) * hidden)
    }
    // One that is computed once more after a preemption needs none.
    const sampling = rows.filter(({ samples }) => samples)
    const logits = this.#logits.subarray(0, sampling.length * vocabulary)
    try {
      await this.#binding(rows[0]!.checkpoint, first, count).run({
        embeddings,
        positions: 1,
        pastLengths: lengths.slice(first, first + count),
        logitsPositions: sampling.map(({ slot }) => slot - first),
        logits,
      })
    } catch (error) {
      for (const { id } of rows) yield { kind: 'failed', id, error }
      return
    }
    // A later run of this step may have these slots in its range.
    for (const { slot, position } of rows) lengths[slot] = position + 1
    for (const { id, samples } of rows) if (!samples) yield { kind: 'computed', id }
    for (const [row, { id }] of sampling.entries()) {
      yield {
        kind: 'logits',
        id,
        logits: [logits.subarray(row * vocabulary, (row + 1) * vocabulary)],
        drafts: [],
      }
    }
  }

  /** The only row of a step, with what may follow it. What doesn't come true is garbage behind the valid positions. */
  async #decodeDrafts({ id, checkpoint, slot, token, position, drafts }: DecodeRow): Promise<StepResult> {
    const { hidden, vocabulary } = this.#sizes
    const count = 1 + drafts.length
    const embeddings = this.#stepEmbeddings.subarray(0, count * hidden)
    for (const [row, each] of [token, ...drafts].entries()) {
      this.#model.embeddings.lookup(each, embeddings, row * hidden)
    }
    const rows = Array.from({ length: count }, (_, row) => row)
    const logits = this.#logits.subarray(0, count * vocabulary)
    try {
      await this.#binding(checkpoint, slot, 1).run({
        embeddings,
        positions: count,
        pastLengths: [position],
        logitsPositions: rows,
        logits,
      })
    } catch (error) {
      return { kind: 'failed', id, error }
    }
    const rowLogits = rows.map(row => logits.subarray(row * vocabulary, (row + 1) * vocabulary))
    return { kind: 'logits', id, logits: rowLogits, drafts }
  }

  async #prefill(chunk: PrefillChunk, { embeddings, signal }: PrefillInput): Promise<StepResult> {
    const { id, checkpoint, slot, start, count, samples } = chunk
    const { hidden, vocabulary } = this.#sizes
    const logits = this.#logits.subarray(0, samples ? vocabulary : 0)
    try {
      await this.#binding(checkpoint, slot, 1).run(
        {
          embeddings: embeddings.subarray(start * hidden, (start + count) * hidden),
          positions: count,
          pastLengths: [start],
          logitsPositions: samples ? [count - 1] : [],
          logits,
        },
        { signal },
      )
      return samples ? { kind: 'logits', id, logits: [logits], drafts: [] } : { kind: 'computed', id }
    } catch (error) {
      return { kind: 'failed', id, error }
    }
  }

  #binding(checkpoint: string | null, first: number, count: number): DecoderBinding {
    const key = JSON.stringify([checkpoint, first, count])
    let binding = this.#bindings.get(key)
    // Taken out and put back: the map's order is that of use.
    if (binding !== undefined) this.#bindings.delete(key)
    binding ??= new DecoderBinding(
      this.#model.decoder,
      this.cache,
      this.#adapters.get(checkpoint)!,
      { first, count },
      this.#sizes,
    )
    this.#bindings.set(key, binding)
    if (this.#bindings.size > MAX_BINDINGS) this.#releaseOldest()
    return binding
  }

  #releaseOldest(): void {
    const [key, binding] = this.#bindings.entries().next().value!
    binding.release()
    this.#bindings.delete(key)
  }
}

/** [slots] Where a plan's writing into each slot ends; any slot may be an idle row of a decode. */
function endsOf({ slotLengths, decodes, prefills }: Plan): number[] {
  const ends = slotLengths.map(length => length + (decodes.length > 0 ? 1 : 0))
  for (const { slot, position, drafts } of decodes) ends[slot] = position + 1 + drafts.length
  for (const { slot, start, count } of prefills) ends[slot] = start + count
  return ends
}

/** The number of layers, heads, elements a head and their type, from the decoder's own inputs. */
function readKvShape(decoder: OrtSession): Pick<KvLayout, 'layers' | 'kvHeads' | 'headDim' | 'type'> {
  const keys = decoder.inputs.filter(({ name }) => /^past_key_\d+$/.test(name))
  const [, kvHeads, , headDim] = keys[0]?.dims ?? []
  if (!kvHeads || !headDim)
    throw new RangeError('The decoder has no past_key_0 [batch, heads, positions, size].')
  const type = KV_TYPES.find(known => known === keys[0]!.type)
  if (type === undefined) throw new RangeError(`Keys of type ${keys[0]!.type} can't be kept.`)
  return { layers: keys.length, kvHeads, headDim, type }
}

function outputWidth(decoder: OrtSession, name: string): number {
  const width = decoder.outputs.find(output => output.name === name)?.dims.at(-1)
  if (!width) throw new RangeError(`The decoder has no ${name} of a fixed width.`)
  return width
}

/**
 * A value for each LoRA input of the decoder. Where the adapter has none it is of rank 0, which adds nothing; on a GPU of
 * rank 1 and zero, since cuBLAS needn't take products over nothing.
 */
function adapterInputs(decoder: OrtSession, weights: AdapterWeights): Map<string, BindableTensor> {
  const { memory } = decoder
  const inputs = decoder.inputs.filter(({ name }) => name.startsWith('lora_'))
  const known = new Set(inputs.map(({ name }) => name))
  for (const name of weights.keys()) {
    if (!known.has(name)) throw new RangeError(`The decoder has no input ${name} for an adapter.`)
  }
  const rank = memory.kind === 'device' ? 1 : 0
  return new Map(
    inputs.map(({ name, type: wanted, dims: shape }) => {
      const type = wanted === 'float16' ? 'float16' : 'float32'
      const weight = weights.get(name)
      if (weight === undefined) {
        const dims = shape.map(dim => dim ?? rank)
        return [name, memory.allocate(type, elementCount(dims)).view(0, dims)]
      }
      const { data, dims } = weight
      return [name, memory.place(type, type === 'float16' ? Float16Array.from(data) : data, dims)]
    }),
  )
}
