/** One window heard: encoder, then Whisper's decoder unless there is nothing to hear. */
import type { HeardWindow } from '../chat-model.ts'
import type { PocketManifest } from '../manifest.ts'
import type { WhisperEncoder } from '../whisper/encoder.ts'
import type { HeardSpeech, WhisperListener } from '../whisper/listener.ts'

type Hearing = PocketManifest['hearing']

/** Whisper's own window: what it was trained on, and the fallback when a short one makes it loop. */
const FULL_WINDOW_SAMPLES = 480_000

/**
 * @param samples one window, 16 kHz mono, at most 30 s less the tail
 */
export async function hearWindow(
  samples: Float32Array,
  whisper: { encoder: WhisperEncoder; listener: WhisperListener },
  hearing: Hearing,
  signal: AbortSignal,
): Promise<Pick<HeardWindow, 'features' | 'speech'>> {
  const length = samples.length + hearing.tail_samples
  if (loudestRms(samples) < hearing.gate.min_rms) {
    // The mel spectrogram normalizes loudness away: what nobody hears is encoded as the silence that it is.
    const { features } = await whisper.encoder.encode(new Float32Array(length), signal)
    return { features, speech: null }
  }
  const encoded = await whisper.encoder.encode(padded(samples, length), signal)
  const { max_tokens: maxTokens, alternatives } = hearing
  const options = { maxTokens, alternatives, signal }
  let speech = await whisper.listener.listen(encoded, options)
  if (speech.isLoop) {
    const fullWindow = await whisper.encoder.encode(padded(samples, FULL_WINDOW_SAMPLES), signal)
    speech = await whisper.listener.listen(fullWindow, options)
  }
  return { features: encoded.features, speech: isSpeech(speech, hearing.gate) ? speech : null }
}

/** Whether a transcript is one, by the thresholds that the pack measured. */
export function isSpeech(speech: HeardSpeech, gate: Hearing['gate']): boolean {
  if (speech.steps.length === 0 || speech.isLoop) return false
  if (speech.meanLogprob < gate.floor_mean_logprob) return false
  return !(
    speech.noSpeechProbability > gate.max_no_speech_probability && speech.meanLogprob < gate.min_mean_logprob
  )
}

/** Root mean square of the loudest half second (full scale 1). */
export function loudestRms(samples: Float32Array, blockSamples = 8000): number {
  let loudest = 0
  for (let start = 0; start < samples.length; start += blockSamples) {
    const block = samples.subarray(start, start + blockSamples)
    let energy = 0
    for (const sample of block) energy += sample * sample
    loudest = Math.max(loudest, energy / block.length)
  }
  return Math.sqrt(loudest)
}

function padded(samples: Float32Array, length: number): Float32Array {
  const longer = new Float32Array(length)
  longer.set(samples)
  return longer
}
