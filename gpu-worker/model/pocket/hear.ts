/** One window heard: encoder, then Whisper's decoder unless there is nothing to hear; in noise once more without it. */
import { logarithmOf, logMelSpectrogram, type MelSpectrogram, melPower } from '../../audio/mel.ts'
import { quieterMel } from '../../audio/suppress-noise.ts'
import type { EncodeFor } from '../../encode/encode-queue.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'
import type { WordScorer } from '../../speech/word-scorer.ts'
import type { HeardWindow } from '../chat-model.ts'
import type { PocketManifest } from '../manifest.ts'
import type { WhisperEncoder } from '../whisper/encoder.ts'
import { loudestRms, padded } from '../whisper/hear-window.ts'
import type { HeardSpeech, WhisperListener } from '../whisper/listener.ts'

type Hearing = PocketManifest['hearing']

/** Whisper's own window: what it was trained on, and the fallback when a short one makes it loop. */
const FULL_WINDOW_SAMPLES = 480_000
const NO_SAMPLES = new Float32Array(0)

/**
 * @param samples one window, 16 kHz mono, at most 30 s less the tail
 * @param scorer of words that are expected; null where none are
 */
export async function hearWindow(
  samples: Float32Array,
  whisper: { encoder: WhisperEncoder; listener: WhisperListener },
  hearing: Hearing,
  who: Pick<EncodeFor, 'tenant' | 'signal'>,
  scorer: WordScorer | null,
): Promise<Pick<HeardWindow, 'features' | 'speech'>> {
  const { encoder, listener } = whisper
  const { max_tokens: maxTokens, alternatives } = hearing
  const options = { maxTokens, alternatives, scorer, who }
  const length = samples.length + hearing.tail_samples
  const listenTo = async (mel: MelSpectrogram): Promise<HeardSpeech> => {
    const encoded = await encoder.encode(mel, who.signal)
    return listener.listen(encoded, options).finally(() => encoder.recycle(encoded))
  }
  const isSilent = loudestRms(samples) < hearing.gate.min_rms
  // The mel spectrogram normalizes loudness away: what nobody hears is encoded as the silence that it is.
  const power = melPower(padded(isSilent ? NO_SAMPLES : samples, length), encoder.melBins)
  const encoded = await encoder.encode(logarithmOf(power), who.signal)
  try {
    const features = copied(encoded.features)
    if (isSilent) return { features, speech: null }
    let speech = await listener.listen(encoded, options)
    if (speech.isLoop) {
      speech = await listenTo(logMelSpectrogram(padded(samples, FULL_WINDOW_SAMPLES), encoder.melBins))
    }
    // Words alone are listened for without the noise: it is a part of what else there is to hear.
    const quieter = speech.steps.length > 0 ? quieterMel(power, samples.length) : null
    if (quieter !== null) speech = surer(speech, await listenTo(quieter))
    return { features, speech: isSpeech(speech, hearing.gate) ? speech : null }
  } finally {
    encoder.recycle(encoded)
  }
}

/** The one that the recognizer believes more; never one that goes round in circles if the other doesn't. */
function surer(first: HeardSpeech, second: HeardSpeech): HeardSpeech {
  if (second.isLoop || second.steps.length === 0) return first
  return first.isLoop || second.meanLogprob > first.meanLogprob ? second : first
}

/** Whether a transcript is one, by the thresholds that the pack measured. */
export function isSpeech(speech: HeardSpeech, gate: Hearing['gate']): boolean {
  if (speech.steps.length === 0 || speech.isLoop) return false
  if (speech.meanLogprob < gate.floor_mean_logprob) return false
  return !(
    speech.noSpeechProbability > gate.max_no_speech_probability && speech.meanLogprob < gate.min_mean_logprob
  )
}

/** What is kept, out of memory that will be used again. */
function copied({ data, dims }: Tensor<'float32'>): Tensor<'float32'> {
  return tensor('float32', data.slice(), dims)
}
