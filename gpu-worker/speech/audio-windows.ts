/** A recording that is still being decoded, as windows that the encoder takes. */
import { SAMPLE_RATE_HZ } from '../audio/constants.ts'
import { type SampleRange, splitWindows } from '../audio/windows.ts'
import type { VoiceActivity } from '../model/silero-vad/voice-activity.ts'
import type { VoiceActivityOptions } from '../model/speech-model.ts'
import { SpeechStretches } from './speech-stretches.ts'

/** A stretch of a recording. */
export interface AudioWindow {
  /** [n] f32, 16 kHz */
  readonly samples: Float32Array
  /** Sample of the recording that it begins with. */
  readonly start: number
}

/** Pauses up to this long stay within a window: words before them help to hear those after. */
const MAX_GAP_SAMPLES = 3 * SAMPLE_RATE_HZ
/** Frames of 32 ms looked at in one go: 32 s. */
const BLOCK_FRAMES = 1000

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

/**
 * Whether a recording ends within so many seconds; reads no further than it must to know.
 * @returns that, and the same pieces from the beginning
 */
export async function fitsIn(
  pieces: AsyncIterable<Float32Array>,
  maxSeconds: number,
): Promise<[boolean, AsyncIterable<Float32Array>]> {
  const source = pieces[Symbol.asyncIterator]()
  const read: Float32Array[] = []
  let samples = 0
  let isOver = false
  while (!isOver && samples <= maxSeconds * SAMPLE_RATE_HZ) {
    const { done, value } = await source.next()
    if (done) isOver = true
    else {
      read.push(value)
      samples += value.length
    }
  }
  const isShort = samples <= maxSeconds * SAMPLE_RATE_HZ
  async function* all() {
    try {
      while (read.length > 0) yield read.shift()!
      for (let next = await source.next(); !next.done; next = await source.next()) yield next.value
    } finally {
      await source.return?.()
    }
  }
  return [isShort, all()]
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

/** What finds speech in a recording that is still coming. */
export interface SpeechFinder {
  readonly activity: VoiceActivity
  readonly options: VoiceActivityOptions
  readonly signal: AbortSignal
}

/**
 * Stretches of speech, put together into windows of at most `maxSeconds`; what lies between windows is left out.
 * @param onSpeech is told how many samples each stretch has
 */
export async function* speechWindows(
  pieces: AsyncIterable<Float32Array>,
  maxSeconds: number,
  { activity, options, signal }: SpeechFinder,
  onSpeech: (samples: number) => void,
): AsyncGenerator<AudioWindow> {
  const maxSamples = Math.floor(maxSeconds * SAMPLE_RATE_HZ)
  const { frameSamples, warmUpSamples } = activity
  const buffer = new SampleBuffer()
  const stretches = new SpeechStretches(options, frameSamples, maxSamples)
  let analysed = 0
  let window: SampleRange | null = null

  async function* pack(found: readonly SampleRange[]): AsyncGenerator<AudioWindow> {
    for (const { start, end } of found) {
      onSpeech(end - start)
      const fits = window && start - window.end <= MAX_GAP_SAMPLES && end - window.start <= maxSamples
      if (window && fits) window.end = end
      else {
        if (window) yield cut(window)
        window = { start, end }
      }
    }
  }
  const cut = (range: SampleRange) => ({ start: range.start, samples: buffer.slice(range.start, range.end) })
  const analyse = async (to: number) => {
    const head = Math.max(buffer.start, analysed - warmUpSamples)
    const probabilities = await activity.probabilities(buffer.slice(head, to), analysed - head, signal)
    analysed += probabilities.length * frameSamples
    return stretches.push(probabilities)
  }

  for await (const piece of pieces) {
    buffer.push(piece)
    while (buffer.end - analysed >= BLOCK_FRAMES * frameSamples) {
      yield* pack(await analyse(analysed + BLOCK_FRAMES * frameSamples))
      // Nothing that comes now can join a window that ended so long ago.
      if (window && stretches.needed - (window as SampleRange).end > MAX_GAP_SAMPLES) {
        yield cut(window)
        window = null
      }
      const start = (window as SampleRange | null)?.start ?? Number.POSITIVE_INFINITY
      buffer.release(Math.min(start, stretches.needed, analysed - warmUpSamples))
    }
  }
  if (buffer.end > analysed) yield* pack(await analyse(buffer.end))
  yield* pack(stretches.finish(buffer.end))
  if (window) yield cut(window)
}
