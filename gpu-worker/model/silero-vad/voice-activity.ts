/** Silero VAD: the probability of speech, frame by frame of 32 ms. */
import type { OrtBinding, OrtSession } from '../../runtime/runtime.ts'
import { tensor } from '../../runtime/tensor.ts'
import type { SileroVadManifest } from '../manifest.ts'

/** Rows computed at once: the model goes frame by frame, but stretches of a recording can go side by side. */
const MAX_ROWS = 16
/** Frames that a row hears before its own, to know where it is: the model's memory is about a second long. */
const WARM_UP_FRAMES = 24
/** Below this many frames a row, warming up costs more than going side by side saves. */
const MIN_FRAMES_PER_ROW = 40

/** Inputs and outputs of so many rows. */
interface Batch {
  readonly binding: OrtBinding
  /** [rows, context + frame] f32 */
  readonly input: Float32Array
  /** [2, rows, width] f32, and what becomes of it */
  readonly state: Float32Array
  readonly nextState: Float32Array
  /** [rows, 1] f32 */
  readonly output: Float32Array
}

export class VoiceActivity {
  readonly frameSamples: number
  /** How much of what came before makes the first frames exact. */
  readonly warmUpSamples: number
  readonly #session: OrtSession
  readonly #manifest: SileroVadManifest
  readonly #batches = new Map<number, Batch>()
  #last: Promise<unknown> = Promise.resolve()

  constructor(session: OrtSession, manifest: SileroVadManifest) {
    this.#session = session
    this.#manifest = manifest
    this.frameSamples = manifest.frame_samples
    this.warmUpSamples = WARM_UP_FRAMES * manifest.frame_samples
  }

  /**
   * @param samples 16 kHz mono, [n] f32
   * @param from the frames begin here; what lies before is only listened to
   * @returns one probability a frame, [ceil((n - from) / frameSamples)] f32; the last frame is filled up with silence
   */
  probabilities(samples: Float32Array, from: number, signal: AbortSignal): Promise<Float32Array> {
    // The arrays are shared by all that ask.
    const result = this.#last.then(() => this.#compute(samples, from, signal))
    this.#last = result.catch(() => {})
    return result
  }

  close(): Promise<void> {
    return this.#session.release()
  }

  async #compute(samples: Float32Array, from: number, signal: AbortSignal): Promise<Float32Array> {
    const { frame_samples: frame, context_samples: context } = this.#manifest
    const frames = Math.ceil((samples.length - from) / frame)
    const result = new Float32Array(frames)
    if (frames === 0) return result
    const rows = Math.max(1, Math.min(MAX_ROWS, Math.floor(frames / MIN_FRAMES_PER_ROW)))
    const ownFrames = Math.ceil(frames / rows)
    const { binding, input, state, nextState, output } = this.#batch(rows)
    state.fill(0)
    for (let step = -WARM_UP_FRAMES; step < ownFrames; step++) {
      signal.throwIfAborted()
      for (let row = 0; row < rows; row++) {
        const start = from + (row * ownFrames + step) * frame - context
        fill(input, row * (context + frame), context + frame, samples, start)
      }
      await binding.run()
      state.set(nextState)
      if (step < 0) continue
      for (let row = 0; row < rows; row++) {
        const at = row * ownFrames + step
        if (at < frames) result[at] = output[row]!
      }
    }
    return result
  }

  #batch(rows: number): Batch {
    const known = this.#batches.get(rows)
    if (known) return known
    const { frame_samples, context_samples, state, sample_rate_hz } = this.#manifest
    const [layers, width] = state
    const batch = {
      binding: this.#session.createBinding(),
      input: new Float32Array(rows * (context_samples + frame_samples)),
      state: new Float32Array(layers * rows * width),
      nextState: new Float32Array(layers * rows * width),
      output: new Float32Array(rows),
    }
    const { binding } = batch
    binding.bindInput('input', tensor('float32', batch.input, [rows, context_samples + frame_samples]))
    binding.bindInput('state', tensor('float32', batch.state, [layers, rows, width]))
    binding.bindInput('sr', tensor('int64', BigInt64Array.of(BigInt(sample_rate_hz)), []))
    binding.bindOutput('output', tensor('float32', batch.output, [rows, 1]))
    binding.bindOutput('stateN', tensor('float32', batch.nextState, [layers, rows, width]))
    this.#batches.set(rows, batch)
    return batch
  }
}

/** Copies [start, start + length) of the samples; what lies outside of them is silence. */
function fill(target: Float32Array, at: number, length: number, samples: Float32Array, start: number): void {
  const from = Math.max(0, Math.min(samples.length, start))
  const to = Math.max(from, Math.min(samples.length, start + length))
  target.fill(0, at, at + length)
  if (to > from) target.set(samples.subarray(from, to), at + from - start)
}
