/** A recording that is still being decoded, as windows that the encoder takes. */
import { SAMPLE_RATE_HZ } from '../audio/constants.ts'
import { splitWindows } from '../audio/windows.ts'

/** A stretch of a recording. */
export interface AudioWindow {
  /** [n] f32, 16 kHz */
  readonly samples: Float32Array
  /** Sample of the recording that it begins with. */
  readonly start: number
}

/** Samples that have come and are still needed; the beginning is let go of as windows are taken. */
export class SampleBuffer {
  #data = new Float32Array(0)
  #start = 0
  #end = 0

  /** Index, in the recording, of the first sample that is kept. */
  get start(): number {
    return this.#start
  }

  /** Index behind the last sample that came. */
  get end(): number {
    return this.#end
  }

  push(piece: Float32Array): void {
    const kept = this.#end - this.#start
    if (kept + piece.length > this.#data.length) {
      const larger = new Float32Array(Math.max(2 * kept, kept + piece.length, 2 * SAMPLE_RATE_HZ))
      larger.set(this.#data.subarray(0, kept))
      this.#data = larger
    }
    this.#data.set(piece, kept)
    this.#end += piece.length
  }

  /** A copy of the samples [from, to) of the recording, as far as they are kept. */
  slice(from: number, to: number): Float32Array {
    return this.#data.slice(Math.max(0, from - this.#start), Math.max(0, to - this.#start))
  }

  /** Lets go of everything before `from`. */
  release(from: number): void {
    const dropped = Math.min(from, this.#end) - this.#start
    if (dropped <= 0) return
    this.#data.copyWithin(0, dropped, this.#end - this.#start)
    this.#start += dropped
  }
}

/** Everything, cut at quiet places into windows of at most `maxSeconds`. */
export async function* quietWindows(
  pieces: AsyncIterable<Float32Array>,
  maxSeconds: number,
): AsyncGenerator<AudioWindow> {
  const buffer = new SampleBuffer()
  const longest = Math.floor(maxSeconds * SAMPLE_RATE_HZ)
  for await (const piece of pieces) {
    buffer.push(piece)
    while (buffer.end - buffer.start > longest) {
      const { start } = buffer
      const samples = buffer.slice(start, start + longest + 1)
      const { end } = splitWindows(samples, maxSeconds)[0]!
      yield { samples: samples.slice(0, end), start }
      buffer.release(start + end)
    }
  }
  if (buffer.end > buffer.start)
    yield { samples: buffer.slice(buffer.start, buffer.end), start: buffer.start }
}
