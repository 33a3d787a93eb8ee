/**
 * Weights in 8 bits with a scale a column, made of those in blocks as the pack is loaded.
 *
 * The pack keeps its weights in blocks of 64 with a scale each; products on the processor's 8-bit instructions take
 * one scale a column, and are two to three times as fast. What a channel's inputs are divided by before they are
 * rounded (`smoothing`, in the graph too), its weights are multiplied with, so that both are about even (SmoothQuant,
 * arXiv:2211.10438); then each column is rounded anew. `training/export/rounded_weights.py` makes the same bytes.
 */
import { type FileHandle, open, readFile } from 'node:fs/promises'
import type { RoundedWeights } from '../manifest.ts'

const LEVELS = 127
const SMALLEST_SCALE = 1e-30
/** Levels are made positive, so that cutting off rounds halves up; flipping the highest bit takes the 128 off again. */
const ROUNDING = 128.5
const LEVEL_OFFSETS = 0x80808080 | 0
/** Words of four levels that are written together, a line of the processor's cache: one by one takes twice as long. */
const TILE_WORDS = 16

/** A matrix [outputs, inputs] in blocks along the inputs; its arrays may be longer. */
interface BlockMatrix {
  /** u8 [outputs, inputs] */
  readonly values: Uint8Array
  /** f32 [outputs, inputs / block] */
  readonly scales: Float32Array
  readonly inputs: number
  readonly outputs: number
  readonly block: number
  readonly zeroPoint: number
}

/**
 * The graph's external files, by the names that it calls them: the one that is made here, and the pack's as far as
 * the graph still reads them. Where a rounded matrix was they are zeros, which take no memory.
 * @param path of a file that the pack lists
 */
export async function roundedWeights(
  layout: RoundedWeights,
  path: (file: string) => string,
): Promise<Map<string, Uint8Array>> {
  const { matrices, block_size: block, zero_point: zeroPoint } = layout
  const smoothingFile = new Uint8Array(await readFile(path(layout.smoothing)))
  const smoothing = Float64Array.from(new Float16Array(smoothingFile.buffer))
  const sizes = matrices.map(({ inputs, outputs }) => inputs * outputs + 4 * outputs)
  const rounded = new Uint8Array(sizes.reduce((sum, size) => sum + size, 0))
  const files = new Map([
    [layout.file, rounded],
    [layout.smoothing, smoothingFile],
  ])
  const largest = Math.max(...matrices.map(({ inputs, outputs }) => inputs * outputs))
  const values = new Uint8Array(largest)
  const halves = new Float16Array(largest / block)
  const scales = new Float32Array(halves.length)

  const sources = new Map<string, SourceFile>()
  try {
    for (const { file } of matrices) {
      if (!sources.has(file)) sources.set(file, await SourceFile.open(path(file)))
    }
    let smoothingAt = 0
    let roundedAt = 0
    for (const [index, { file, weight, scales: scalesAt, inputs, outputs }] of matrices.entries()) {
      const source = sources.get(file)!
      const matrix = { values, scales, inputs, outputs, block, zeroPoint }
      await source.take(values.subarray(0, inputs * outputs), weight)
      await source.take(new Uint8Array(halves.buffer, 0, (2 * inputs * outputs) / block), scalesAt)
      scales.set(halves)
      const ofSmoothing = smoothing.subarray(smoothingAt, smoothingAt + inputs)
      if (ofSmoothing.length < inputs) throw new RangeError(`${layout.smoothing} is too short`)
      roundMatrix(matrix, ofSmoothing, rounded.subarray(roundedAt, roundedAt + sizes[index]!))
      smoothingAt += inputs
      roundedAt += sizes[index]!
    }
    for (const [file, source] of sources) files.set(file, await source.rest())
  } finally {
    await Promise.all(Array.from(sources.values(), source => source.close()))
  }
  return files
}

/**
 * In f64, where all products but one are exact: the same to the bit wherever it is computed. Halves go up.
 * @param smoothing [inputs] f64 that f16 holds
 * @param target gets levels i8 [inputs, outputs], then scales f32 [outputs]
 */
function roundMatrix(matrix: BlockMatrix, smoothing: Float64Array, target: Uint8Array): void {
  const { inputs, outputs, block } = matrix
  const columnScales = new Float32Array(outputs)
  for (let output = 0; output < outputs; output++) {
    columnScales[output] = Math.max(reachOf(matrix, smoothing, output) / LEVELS, SMALLEST_SCALE)
  }
  const words = outputs / 4
  const levels = new Int32Array(target.buffer, target.byteOffset, inputs * words)
  const tile = new Int32Array(block * TILE_WORDS)
  for (let first = 0; first < inputs; first += block) {
    for (let word = 0; word < words; word += TILE_WORDS) {
      const width = Math.min(TILE_WORDS, words - word)
      for (let column = 0; column < width; column++) {
        roundBlock(matrix, smoothing, columnScales, first, 4 * (word + column), tile, column)
      }
      for (let k = 0; k < block; k++) {
        const from = k * TILE_WORDS
        const to = (first + k) * words + word
        for (let column = 0; column < width; column++) levels[to + column] = tile[from + column]!
      }
    }
  }
  target.set(new Uint8Array(columnScales.buffer), inputs * outputs)
}

/** How far the weights of one output go, times their smoothing. */
function reachOf(matrix: BlockMatrix, smoothing: Float64Array, output: number): number {
  const { values, scales, inputs, block, zeroPoint } = matrix
  const from = output * inputs
  let reach = 0
  let scaleAt = from / block
  for (let k = 0; k < inputs; scaleAt++) {
    let furthest = 0
    for (const stop = k + block; k < stop; k++) {
      const size = Math.abs((values[from + k]! - zeroPoint) * smoothing[k]!)
      if (size > furthest) furthest = size
    }
    reach = Math.max(reach, furthest * scales[scaleAt]!)
  }
  return reach
}

/** The levels of a block of inputs from `first` on, for four outputs, which lie side by side in what is written. */
function roundBlock(
  { values, scales, inputs, block, zeroPoint }: BlockMatrix,
  smoothing: Float64Array,
  columnScales: Float32Array,
  first: number,
  output: number,
  tile: Int32Array,
  column: number,
): void {
  const blocks = inputs / block
  const scaleAt = output * blocks + first / block
  const factor0 = scales[scaleAt]! / columnScales[output]!
  const factor1 = scales[scaleAt + blocks]! / columnScales[output + 1]!
  const factor2 = scales[scaleAt + 2 * blocks]! / columnScales[output + 2]!
  const factor3 = scales[scaleAt + 3 * blocks]! / columnScales[output + 3]!
  let from = output * inputs + first
  for (let k = 0; k < block; k++, from++) {
    const smooth = smoothing[first + k]!
    const levels =
      ((values[from]! - zeroPoint) * smooth * factor0 + ROUNDING) |
      (((values[from + inputs]! - zeroPoint) * smooth * factor1 + ROUNDING) << 8) |
      (((values[from + 2 * inputs]! - zeroPoint) * smooth * factor2 + ROUNDING) << 16) |
      (((values[from + 3 * inputs]! - zeroPoint) * smooth * factor3 + ROUNDING) << 24)
    tile[k * TILE_WORDS + column] = levels ^ LEVEL_OFFSETS
  }
}

/** A file of which parts are taken, and then the rest. */
class SourceFile {
  readonly #handle: FileHandle
  readonly #size: number
  readonly #taken: { start: number; end: number }[] = []

  static async open(path: string): Promise<SourceFile> {
    const handle = await open(path)
    const { size } = await handle.stat()
    return new SourceFile(handle, size)
  }

  constructor(handle: FileHandle, size: number) {
    this.#handle = handle
    this.#size = size
  }

  /** Fills `target` from `start` on. */
  async take(target: Uint8Array, start: number): Promise<void> {
    this.#taken.push({ start, end: start + target.length })
    await this.#read(target, start)
  }

  /** The whole file, zeros where something was taken. */
  async rest(): Promise<Uint8Array<ArrayBuffer>> {
    const whole = new Uint8Array(this.#size)
    let at = 0
    const nothing = { start: this.#size, end: this.#size }
    for (const { start, end } of [...this.#taken.sort((a, b) => a.start - b.start), nothing]) {
      if (start > at) await this.#read(whole.subarray(at, start), at)
      at = Math.max(at, end)
    }
    return whole
  }

  close(): Promise<void> {
    return this.#handle.close()
  }

  async #read(target: Uint8Array, start: number): Promise<void> {
    for (let done = 0; done < target.length; ) {
      const { bytesRead } = await this.#handle.read(target, done, target.length - done, start + done)
      if (bytesRead === 0) throw new RangeError('a file of weights is shorter than its manifest says')
      done += bytesRead
    }
  }
}
