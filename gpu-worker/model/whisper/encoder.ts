import { WINDOW_POSITIONS } from '../../audio/constants.ts'
import type { MelBins, MelSpectrogram } from '../../audio/mel.ts'
import type { OrtSession } from '../../runtime/runtime.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'
import type { WhisperManifest } from '../manifest.ts'

/** What the encoder makes of one window of audio. */
export interface EncodedSpeech {
  /** Encoder positions, 20 ms each. */
  positions: number
  /** States half way up, which tell sounds apart: [1, positions, hidden] f32 */
  features: Tensor<'float32'>
  /** The decoder's cross-attention, computed once: `cross_key_i`, `cross_value_i` [1, heads, positions, head_dim] f32 */
  cross: Readonly<Record<string, Tensor>>
}

/** Room for one full window: features and cross-attention, by output. */
type Buffers = ReadonlyMap<string, Float32Array>

/**
 * Whisper's encoder over the real frames only: 5 s of audio cost a sixth of the usual 30 s window.
 * (Positions past the audio are simply not there; short-context distillation made the decoder used to it.)
 *
 * The memory of a window is used again once it is recycled: megabytes that come and go with every clip would have the
 * garbage collector at work all the time.
 */
export class WhisperEncoder {
  readonly #session: OrtSession
  readonly melBins: MelBins
  /** Elements of one position, by output. */
  readonly #widths: ReadonlyMap<string, readonly number[]>
  readonly #free: Buffers[] = []
  readonly #inUse = new WeakMap<EncodedSpeech, Buffers>()

  constructor(session: OrtSession, { audio, encoder, decoder }: WhisperManifest) {
    this.#session = session
    this.melBins = audio.mel_bins
    const widths = new Map<string, readonly number[]>([['audio_features', [encoder.hidden]]])
    for (let layer = 0; layer < decoder.layers; layer++) {
      for (const side of ['key', 'value']) {
        widths.set(`cross_${side}_${layer}`, [decoder.heads, decoder.head_dim])
      }
    }
    this.#widths = widths
  }

  /**
   * @param mel of at most 30 s
   * @param signal ends the run between two operators
   */
  async encode(mel: MelSpectrogram, signal: AbortSignal): Promise<EncodedSpeech> {
    const positions = mel.frames / 2
    const buffers = this.#free.pop() ?? this.#allocate()
    const binding = this.#session.createBinding()
    const outputs: Record<string, Tensor<'float32'>> = {}
    try {
      binding.bindInput('mel', tensor('float32', mel.data, [1, this.melBins, mel.frames]))
      binding.bindInput('frame_counts', tensor('int64', BigInt64Array.of(BigInt(mel.frames)), [1]))
      for (const [name, [outer, inner]] of this.#widths) {
        const dims = inner === undefined ? [1, positions, outer!] : [1, outer!, positions, inner]
        const size = positions * outer! * (inner ?? 1)
        outputs[name] = tensor('float32', buffers.get(name)!.subarray(0, size), dims)
        binding.bindOutput(name, outputs[name])
      }
      await binding.run({ signal })
    } finally {
      binding.release()
    }
    const { audio_features: features, ...cross } = outputs
    const speech = { positions, features: features!, cross }
    this.#inUse.set(speech, buffers)
    return speech
  }

  /** Nobody will look at this window again. */
  recycle(speech: EncodedSpeech): void {
    const buffers = this.#inUse.get(speech)
    if (!buffers) return
    this.#inUse.delete(speech)
    this.#free.push(buffers)
  }

  #allocate(): Buffers {
    const elements = ([outer, inner]: readonly number[]) => WINDOW_POSITIONS * outer! * (inner ?? 1)
    return new Map(Array.from(this.#widths, ([name, width]) => [name, new Float32Array(elements(width))]))
  }
}
