/**
 * One window heard by Qwen2-Audio: log-mel, Whisper's encoder, pooled in pairs and projected into the language
 * model's space. Source: transformers, `Qwen2AudioEncoder` and `Qwen2AudioProcessor`, whose 30 s of padding are left
 * out: what is behind the audio is masked there, so only two frames of it, which the convolutions reach, are seen.
 */
import { HOP_SAMPLES, SAMPLES_PER_POSITION, WINDOW_SAMPLES } from '../../audio/constants.ts'
import { logMelSpectrogram } from '../../audio/mel.ts'
import type { OrtSession } from '../../runtime/runtime.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'

const MEL_BINS = 128

/**
 * Tokens of an audio: frames are halved by the second convolution, and the positions again by the pooling.
 * @param samples at 16 kHz; fewer than 321 make none
 */
export function audioTokenCount(samples: number): number {
  const frames = Math.ceil(samples / HOP_SAMPLES)
  const positions = Math.floor((frames - 1) / 2) + 1
  return Math.max(0, Math.floor((positions - 2) / 2) + 1)
}

/**
 * @param session of the pack's `audio.graph`
 * @param samples one window, 16 kHz mono, at most 30 s
 * @param signal ends the run between two operators
 * @returns [1, tokens, hidden] f32
 */
export async function hearWindow(
  session: OrtSession,
  samples: Float32Array,
  hidden: number,
  signal: AbortSignal,
): Promise<Tensor<'float32'>> {
  const tokens = audioTokenCount(samples.length)
  if (tokens === 0) return tensor('float32', new Float32Array(0), [1, 0, hidden])
  const padded = new Float32Array(Math.min(samples.length + SAMPLES_PER_POSITION, WINDOW_SAMPLES))
  padded.set(samples)
  const mel = logMelSpectrogram(padded, MEL_BINS)
  const frames = BigInt64Array.of(BigInt(Math.ceil(samples.length / HOP_SAMPLES)))
  const feeds = {
    mel: tensor('float32', mel.data, [1, MEL_BINS, mel.frames]),
    frame_counts: tensor('int64', frames, [1]),
  }
  const { audio_embeddings: embeddings } = await session.run(feeds, ['audio_embeddings'], { signal })
  if (embeddings?.dims[1] !== tokens || embeddings.dims[2] !== hidden) {
    throw new RangeError(
      `the audio graph made [${embeddings?.dims}] of ${samples.length} samples instead of [1, ${tokens}, ${hidden}]`,
    )
  }
  return embeddings as Tensor<'float32'>
}
