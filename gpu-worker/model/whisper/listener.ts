/**
 * Whisper's decoder, listening greedily: what was said in one window, with the alternatives of every step.
 */
import { deflateSync } from 'node:zlib'
import type { OrtSession } from '../../runtime/runtime.ts'
import { type Tensor, tensor } from '../../runtime/tensor.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { EncodedSpeech } from './encoder.ts'
import { textPosterior } from './text-posterior.ts'

/** One step of the recognizer: its most probable pieces, the best first. */
export interface HeardStep {
  /** Ids in the recognizer's vocabulary. */
  ids: readonly number[]
  /** Their probabilities among all text pieces. */
  probabilities: readonly number[]
}

/** What was heard in one window. */
export interface HeardSpeech {
  steps: readonly HeardStep[]
  text: string
  /** Whisper's own probability that there is no speech, at its first step. */
  noSpeechProbability: number
  /** Mean log-probability of the pieces, the end of text included. */
  meanLogprob: number
  /** The transcript goes round in circles or never ended. */
  isLoop: boolean
}

/** Transcripts that deflate shrinks more than this repeat themselves. Source: openai/whisper `transcribe.py`. */
const MAX_COMPRESSION_RATIO = 2.4

export class WhisperListener {
  readonly #session: OrtSession
  readonly #manifest: WhisperManifest
  readonly #tokenizer: Tokenizer

  constructor(session: OrtSession, manifest: WhisperManifest, tokenizer: Tokenizer) {
    this.#session = session
    this.#manifest = manifest
    this.#tokenizer = tokenizer
  }

  /** @param options.maxTokens longest transcript; @param options.alternatives pieces kept of each step */
  async listen(
    speech: EncodedSpeech,
    options: { maxTokens: number; alternatives: number; signal: AbortSignal },
  ): Promise<HeardSpeech> {
    const { tokens, decoder } = this.#manifest
    const maxTokens = Math.min(options.maxTokens, decoder.max_positions - 2)
    const step = this.#startDecoding(speech, maxTokens + 2)
    try {
      const first = await step.next(tokens.start_of_transcript, options.signal)
      const noSpeechProbability = Math.exp(first[tokens.no_speech]!)
      let logProbabilities = await step.next(tokens.no_timestamps, options.signal)

      const steps: HeardStep[] = []
      let logprobSum = 0
      let ended = false
      while (steps.length < maxTokens) {
        // Special ids lie from the end of text on; only the end itself competes with the text pieces.
        const heard = textPosterior(logProbabilities, tokens.end_of_text + 1, options.alternatives + 1)
        logprobSum += Math.log(heard.probabilities[0]!)
        ended = heard.ids[0] === tokens.end_of_text
        if (ended) break
        steps.push(withoutId(heard, tokens.end_of_text, options.alternatives))
        if (steps.length < maxTokens) logProbabilities = await step.next(heard.ids[0]!, options.signal)
      }
      const text = this.#tokenizer.decode(steps.map(({ ids }) => ids[0]!))
      return {
        steps,
        text,
        noSpeechProbability,
        meanLogprob: logprobSum / (steps.length + (ended ? 1 : 0)),
        isLoop: !ended || compressionRatio(text) > MAX_COMPRESSION_RATIO,
      }
    } finally {
      step.release()
    }
  }

  /** Binds everything once; a step then only writes one id and two counters. */
  #startDecoding(speech: EncodedSpeech, capacity: number) {
    const { layers, heads, head_dim, vocabulary } = this.#manifest.decoder
    const binding = this.#session.createBinding()
    const ids = tensor('int64', new BigInt64Array(1), [1, 1])
    const position = tensor('int64', new BigInt64Array(1), [1])
    const lastIndex = tensor('int32', new Int32Array(1), [1])
    const length = tensor('int32', new Int32Array(1), [])
    const logProbabilities = tensor('float32', new Float32Array(vocabulary), [1, vocabulary])
    const frames = tensor('int64', BigInt64Array.of(BigInt(speech.positions * 2)), [1])
    binding.bindInput('input_ids', ids)
    binding.bindInput('frame_counts', frames)
    binding.bindInput('position', position)
    binding.bindInput('seqlens_k', lastIndex)
    binding.bindInput('total_sequence_length', length)
    for (const [name, value] of Object.entries(speech.cross)) binding.bindInput(name, value)
    for (let layer = 0; layer < layers; layer++) {
      for (const side of ['key', 'value']) {
        // past and present are one buffer: each step appends to it in place.
        const cache: Tensor = tensor('float32', new Float32Array(heads * capacity * head_dim), [
          1,
          heads,
          capacity,
          head_dim,
        ])
        binding.bindInput(`past_${side}_${layer}`, cache)
        binding.bindOutput(`present_${side}_${layer}`, cache)
      }
    }
    binding.bindOutput('log_probabilities', logProbabilities)

    let written = 0
    return {
      /** Feeds one id; the log-probabilities [vocabulary] of what may follow. */
      async next(id: number, signal: AbortSignal): Promise<Float32Array> {
        ids.data[0] = BigInt(id)
        position.data[0] = BigInt(written)
        lastIndex.data[0] = written
        length.data[0] = ++written
        await binding.run({ signal })
        return logProbabilities.data
      },
      release: () => binding.release(),
    }
  }
}

/** The end of text competes for the first place and takes its share, but it is no alternative to a word. */
function withoutId({ ids, probabilities }: HeardStep, dropped: number, count: number): HeardStep {
  const kept = [...ids.keys()].filter(rank => ids[rank] !== dropped).slice(0, count)
  return { ids: kept.map(rank => ids[rank]!), probabilities: kept.map(rank => probabilities[rank]!) }
}

function compressionRatio(text: string): number {
  const bytes = Buffer.from(text)
  return bytes.length === 0 ? 0 : bytes.length / deflateSync(bytes).length
}
