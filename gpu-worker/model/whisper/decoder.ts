/**
 * Whisper's decoder over a batch: a few windows, and for each a few rows (the hypotheses of a search, or samples).
 *
 * Keys and values stay where they are: row r of window w owns row w * rows + r of one arena, a step appends to it in
 * place, and a hypothesis that splits in two is the only thing ever copied. Rows of a window share its audio
 * (training/export/whisper_decoder.py). Inputs and outputs are tied once a batch shape, so that a step of a shape
 * that was there before allocates nothing.
 */
import type { OrtBinding, OrtSession } from '../../runtime/runtime.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { EncodedSpeech } from './encoder.ts'

/** A window in the batch. Its live rows are the first ones, and all are equally long. */
export interface DecoderWindow {
  readonly speech: EncodedSpeech
  /** Most rows that it will ever have. */
  readonly maxRows: number
  /** Rows that the next step computes. */
  liveRows: number
  /** Positions written in each of them. */
  length: number
  /** What the next step feeds to each live row, [maxRows]. */
  readonly nextIds: Int32Array
}

/** Where a row of the next step comes from. */
export interface Child {
  /** Row that it goes on from. */
  readonly parent: number
  readonly id: number
}

/** Inputs and outputs tied for one shape of batch. */
interface Shape {
  readonly binding: OrtBinding
  readonly windows: number
  readonly rows: number
  /** Which audio is tied. */
  audio: object | null
}

const SIDES = ['key', 'value'] as const

export class WhisperDecoder {
  readonly maxRows: number
  readonly #session: OrtSession
  readonly #manifest: WhisperManifest['decoder']
  /** [maxRows, heads, max_positions, head_dim] f32 each; pages that no row reached take no memory. */
  readonly #caches: ReadonlyMap<string, Float32Array>
  readonly #ids: BigInt64Array
  readonly #positions: BigInt64Array
  readonly #lastIndices: Int32Array
  readonly #totalLength = new Int32Array(1)
  /** [maxRows, vocabulary] f32 */
  readonly #logProbabilities: Float32Array
  readonly #frames: BigInt64Array
  readonly #shapes = new Map<string, Shape>()
  /** Keys and values of several windows' audio side by side: `cross_*` [windows, heads, positions, head_dim] f32. */
  readonly #joinedAudio = new Map<string, Float32Array>()
  #windows: readonly DecoderWindow[] = []
  #rows = 1
  /** Changes whenever the windows do. */
  #audio: object = {}
  #cross: Readonly<Record<string, Tensor>> = {}

  /** @param maxRows most rows of all windows together */
  constructor(session: OrtSession, manifest: WhisperManifest['decoder'], maxRows: number) {
    this.#session = session
    this.#manifest = manifest
    this.maxRows = maxRows
    const { layers, heads, max_positions, head_dim, vocabulary } = manifest
    const names = Array.from({ length: layers }, (_, layer) => SIDES.map(side => `${side}_${layer}`)).flat()
    this.#caches = new Map(
      names.map(name => [name, new Float32Array(maxRows * heads * max_positions * head_dim)]),
    )
    this.#ids = new BigInt64Array(maxRows)
    this.#positions = new BigInt64Array(maxRows)
    this.#lastIndices = new Int32Array(maxRows)
    this.#logProbabilities = new Float32Array(maxRows * vocabulary)
    this.#frames = new BigInt64Array(maxRows)
  }

  /** Whether windows that need so many rows each fit together. */
  fits(rowsOfEach: readonly number[]): boolean {
    return rowsOfEach.length * Math.max(...rowsOfEach) <= this.maxRows
  }

  /**
   * Says who is in the batch from now on: windows that stay keep their order, new ones come last.
   * @param windows must fit
   */
  arrange(windows: readonly DecoderWindow[]): void {
    const before = this.#windows
    const rowsBefore = this.#rows
    const rows = Math.max(1, ...windows.map(({ maxRows }) => maxRows))
    // First together, towards the beginning; then, if windows have more rows now, apart, from the end: nothing is
    // overwritten before it was moved.
    const staying = windows.filter(window => before.includes(window))
    for (const [index, window] of staying.entries()) {
      const from = before.indexOf(window) * rowsBefore
      for (let row = 0; row < window.liveRows; row++) {
        this.#copyRow(from + row, index * Math.min(rows, rowsBefore) + row, window.length)
      }
    }
    if (rows > rowsBefore) {
      for (let index = staying.length - 1; index > 0; index--) {
        const { liveRows, length } = staying[index]!
        for (let row = liveRows - 1; row >= 0; row--) {
          this.#copyRow(index * rowsBefore + row, index * rows + row, length)
        }
      }
    }
    this.#windows = windows
    this.#rows = rows
    this.#audio = {}
    this.#cross = this.#joinAudio(windows)
    for (const [index, { speech }] of windows.entries()) this.#frames[index] = BigInt(speech.positions * 2)
  }

  /**
   * Feeds ids that are known beforehand to a window's only row.
   * @param window in the batch, nothing written yet
   */
  async prefill(window: DecoderWindow, ids: readonly number[], signal?: AbortSignal): Promise<void> {
    const row = this.#windows.indexOf(window) * this.#rows
    const binding = this.#session.createBinding()
    try {
      const { length } = ids
      binding.bindInput('input_ids', tensor('int64', BigInt64Array.from(ids, BigInt), [1, length]))
      binding.bindInput('position', tensor('int64', BigInt64Array.of(0n), [1]))
      binding.bindInput('seqlens_k', tensor('int32', Int32Array.of(length - 1), [1]))
      binding.bindInput('total_sequence_length', tensor('int32', Int32Array.of(length), []))
      binding.bindInput(
        'frame_counts',
        tensor('int64', BigInt64Array.of(BigInt(window.speech.positions * 2)), [1]),
      )
      for (const [name, value] of Object.entries(window.speech.cross)) binding.bindInput(name, value)
      this.#bindCaches(binding, row, 1)
      await binding.run(signal ? { signal } : {})
    } finally {
      binding.release()
    }
    window.length = ids.length
  }

  /** Feeds `nextIds` to every live row of every window. */
  async step(): Promise<void> {
    // Alone, a window is computed with the rows it has; among others with as many as the others.
    const rows = this.#windows.length === 1 ? this.#windows[0]!.liveRows : this.#rows
    let longest = 0
    for (const [index, { liveRows, length, nextIds }] of this.#windows.entries()) {
      for (let row = 0; row < rows; row++) {
        const at = index * rows + row
        const isLive = row < liveRows
        this.#ids[at] = isLive ? BigInt(nextIds[row]!) : 0n
        this.#positions[at] = isLive ? BigInt(length) : 0n
        this.#lastIndices[at] = isLive ? length : 0
      }
      longest = Math.max(longest, length + 1)
    }
    this.#totalLength[0] = longest
    const shape = this.#shape(this.#windows.length, rows)
    if (shape.audio !== this.#audio) {
      for (const [name, value] of Object.entries(this.#cross)) shape.binding.bindInput(name, value)
      shape.audio = this.#audio
    }
    await shape.binding.run()
    for (const window of this.#windows) window.length++
  }

  /** What the last step gave for a row, [vocabulary] f32; the caller may write into it, the next step overwrites it. */
  logProbabilities(window: DecoderWindow, row: number): Float32Array {
    const rows = this.#windows.length === 1 ? window.liveRows : this.#rows
    const at = this.#windows.indexOf(window) * rows + row
    const { vocabulary } = this.#manifest
    return this.#logProbabilities.subarray(at * vocabulary, (at + 1) * vocabulary)
  }

  /**
   * Makes the children a window's rows: each stays in its parent's row where it can, so that only hypotheses that
   * split in two, and those that fill gaps, are copied.
   * @returns for each row the child that is there now
   */
  branch<C extends Child>(window: DecoderWindow, children: readonly C[]): C[] {
    const base = this.#windows.indexOf(window) * this.#rows
    const placed = new Array<C | undefined>(children.length)
    const others: C[] = []
    for (const child of children) {
      if (child.parent < children.length && placed[child.parent] === undefined) placed[child.parent] = child
      else others.push(child)
    }
    for (let row = 0; row < children.length; row++) {
      if (placed[row] !== undefined) continue
      const child = others.pop()!
      this.#copyRow(base + child.parent, base + row, window.length)
      placed[row] = child
    }
    window.liveRows = children.length
    for (const [row, child] of placed.entries()) window.nextIds[row] = child!.id
    return placed as C[]
  }

  /** Attention of the alignment heads over the audio, [heads, ids, positions] f32, when these ids are what was said. */
  async align(
    speech: EncodedSpeech,
    ids: readonly number[],
    signal: AbortSignal,
  ): Promise<Tensor<'float32'>> {
    const { layers, heads, head_dim } = this.#manifest
    const feeds: Record<string, Tensor> = {
      input_ids: tensor('int64', BigInt64Array.from(ids, BigInt), [1, ids.length]),
      position: tensor('int64', BigInt64Array.of(0n), [1]),
      seqlens_k: tensor('int32', Int32Array.of(ids.length - 1), [1]),
      total_sequence_length: tensor('int32', Int32Array.of(ids.length), []),
      frame_counts: tensor('int64', BigInt64Array.of(BigInt(speech.positions * 2)), [1]),
      ...speech.cross,
    }
    const size = heads * ids.length * head_dim
    for (let layer = 0; layer < layers; layer++) {
      for (const side of SIDES) {
        feeds[`past_${side}_${layer}`] = tensor('float32', new Float32Array(size), [
          1,
          heads,
          ids.length,
          head_dim,
        ])
      }
    }
    const { cross_attention: weights } = await this.#session.run(feeds, ['cross_attention'], { signal })
    return weights as Tensor<'float32'>
  }

  #shape(windows: number, rows: number): Shape {
    const key = `${windows}x${rows}`
    const known = this.#shapes.get(key)
    if (known) return known
    const count = windows * rows
    const { vocabulary } = this.#manifest
    const binding = this.#session.createBinding()
    binding.bindInput('input_ids', tensor('int64', this.#ids.subarray(0, count), [count, 1]))
    binding.bindInput('position', tensor('int64', this.#positions.subarray(0, count), [count]))
    binding.bindInput('seqlens_k', tensor('int32', this.#lastIndices.subarray(0, count), [count]))
    binding.bindInput('total_sequence_length', tensor('int32', this.#totalLength, []))
    binding.bindInput('frame_counts', tensor('int64', this.#frames.subarray(0, windows), [windows]))
    this.#bindCaches(binding, 0, count)
    const logProbabilities = this.#logProbabilities.subarray(0, count * vocabulary)
    binding.bindOutput('log_probabilities', tensor('float32', logProbabilities, [count, vocabulary]))
    const shape: Shape = { binding, windows, rows, audio: null }
    this.#shapes.set(key, shape)
    return shape
  }

  /** Ties the cache's rows from `first` on as past and present alike. */
  #bindCaches(binding: OrtBinding, first: number, count: number): void {
    const { heads, max_positions, head_dim } = this.#manifest
    const size = heads * max_positions * head_dim
    for (const [name, cache] of this.#caches) {
      const rows = tensor('float32', cache.subarray(first * size, (first + count) * size), [
        count,
        heads,
        max_positions,
        head_dim,
      ])
      binding.bindInput(`past_${name}`, rows)
      binding.bindOutput(`present_${name}`, rows)
    }
  }

  #copyRow(from: number, to: number, length: number): void {
    if (from === to) return
    const { heads, max_positions, head_dim } = this.#manifest
    const head = max_positions * head_dim
    const row = heads * head
    const used = length * head_dim
    for (const cache of this.#caches.values()) {
      for (let offset = 0; offset < row; offset += head) {
        const start = from * row + offset
        cache.copyWithin(to * row + offset, start, start + used)
      }
    }
  }

  /**
   * Copies the windows' audio side by side; behind the shorter ones is whatever was there, which the mask hides. One
   * window is copied as well: a shape that isn't used for a while would keep its audio alive.
   */
  #joinAudio(windows: readonly DecoderWindow[]): Record<string, Tensor> {
    const { heads, head_dim, layers } = this.#manifest
    const positions = Math.max(0, ...windows.map(({ speech }) => speech.positions))
    const joined: Record<string, Tensor> = {}
    for (let layer = 0; layer < layers; layer++) {
      for (const side of SIDES) {
        const name = `cross_${side}_${layer}`
        const size = windows.length * heads * positions * head_dim
        let data = this.#joinedAudio.get(name)
        if (data === undefined || data.length < size) {
          data = new Float32Array(size)
          this.#joinedAudio.set(name, data)
        }
        for (const [index, { speech }] of windows.entries()) {
          const source = speech.cross[name]!.data as Float32Array
          const length = speech.positions * head_dim
          for (let head = 0; head < heads; head++) {
            const target = (index * heads + head) * positions * head_dim
            data.set(source.subarray(head * length, (head + 1) * length), target)
          }
        }
        joined[name] = tensor('float32', data.subarray(0, size), [windows.length, heads, positions, head_dim])
      }
    }
    return joined
  }
}
