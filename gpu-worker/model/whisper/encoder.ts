import { logMelSpectrogram } from '../../audio/mel.ts'
import type { OrtSession } from '../../runtime/runtime.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'

/** What the encoder makes of one window of audio. */
export interface EncodedSpeech {
  /** Encoder positions, 20 ms each. */
  positions: number
  /** [1, positions, hidden] f32 */
  features: Tensor<'float32'>
  /** The decoder's cross-attention, computed once: `cross_key_i`, `cross_value_i` [1, heads, positions, head_dim] f32 */
  cross: Readonly<Record<string, Tensor>>
}

/**
 * Whisper's encoder over the real frames only: 5 s of audio cost a sixth of the usual 30 s window.
 * (Positions past the audio are simply not there; short-context distillation made the decoder used to it.)
 */
export class WhisperEncoder {
  readonly #session: OrtSession
  readonly #melBins: 80 | 128

  constructor(session: OrtSession, melBins: 80 | 128) {
    this.#session = session
    this.#melBins = melBins
  }

  /**
   * @param samples at most 30 s, 16 kHz mono
   * @param signal ends the run between two operators
   */
  async encode(samples: Float32Array, signal: AbortSignal): Promise<EncodedSpeech> {
    const mel = logMelSpectrogram(samples, this.#melBins)
    const outputs = await this.#session.run(
      {
        mel: tensor('float32', mel.data, [1, this.#melBins, mel.frames]),
        frame_counts: tensor('int64', BigInt64Array.of(BigInt(mel.frames)), [1]),
      },
      undefined,
      { signal },
    )
    const { audio_features: features, ...cross } = outputs
    return { positions: mel.frames / 2, features: features as Tensor<'float32'>, cross }
  }
}
