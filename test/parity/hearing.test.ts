/** Encoder, recognizer, bridge and projector against torch on two seconds of a real voice (training/goldens). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logMelSpectrogram } from '../../gpu-worker/audio/mel.ts'
import { EmbeddingTable } from '../../gpu-worker/model/embedding-table.ts'
import type { PocketManifest, WhisperManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { type Checkpoint, loadCheckpoint } from '../../gpu-worker/model/pocket/checkpoint.ts'
import { createVocabularyBridge } from '../../gpu-worker/model/pocket/vocabulary-bridge.ts'
import { WhisperDecoder } from '../../gpu-worker/model/whisper/decoder.ts'
import { type EncodedSpeech, WhisperEncoder } from '../../gpu-worker/model/whisper/encoder.ts'
import { WhisperListener } from '../../gpu-worker/model/whisper/listener.ts'
import { Recognizer } from '../../gpu-worker/model/whisper/recognizer.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import type { OrtSession } from '../../gpu-worker/runtime/runtime.ts'
import { loadTokenizer, type Tokenizer } from '../../gpu-worker/text/tokenizer.ts'
import {
  type ArrayReference,
  largestDifference,
  readFloats,
  readGolden,
  readIntegers,
  relativeDistance,
} from './golden.ts'

interface HearingGolden {
  tolerance: Record<'encoder' | 'probability' | 'mean_log_probability' | 'speech' | 'acoustic', number>
  samples: string
  tail_samples: number
  positions: number
  position_step: number
  features: ArrayReference
  cross: Record<string, ArrayReference>
  ids: number[]
  mean_log_probability: number
  top_ids: ArrayReference
  top_probabilities: ArrayReference
  speech: ArrayReference
  acoustic: ArrayReference
}

const golden = readGolden<HearingGolden>('hearing-speech')
const signal = new AbortController().signal

let pocket: Pack<PocketManifest>
let whisper: Pack<WhisperManifest>
let checkpoint: Checkpoint
let encoderSession: OrtSession
let decoderSession: OrtSession
let speechTokenizer: Tokenizer
let encoded: EncodedSpeech

beforeAll(async () => {
  const packs = await loadPacks('models')
  pocket = packs.get('pocket') as Pack<PocketManifest>
  whisper = packs.get('whisper-tiny.en') as Pack<WhisperManifest>
  const runtime = await loadRuntime()
  checkpoint = await loadCheckpoint(pocket, pocket.manifest.default_checkpoint, runtime)
  encoderSession = await runtime.loadSession(whisper.path(whisper.manifest.encoder.graph))
  decoderSession = await runtime.loadSession(whisper.path(whisper.manifest.decoder.graph))
  speechTokenizer = await loadTokenizer(whisper.path(whisper.manifest.tokenizer))
  const samples = readFloats(golden.samples)
  const padded = new Float32Array(samples.length + golden.tail_samples)
  padded.set(samples)
  const encoder = new WhisperEncoder(encoderSession, whisper.manifest)
  encoded = await encoder.encode(logMelSpectrogram(padded, encoder.melBins), signal)
})

afterAll(async () => {
  await Promise.all([checkpoint.close(), encoderSession.release(), decoderSession.release()])
})

/** Every `position_step`-th row of [outer, positions, width]. */
function everyStep(data: ArrayLike<number>, outer: number, width: number): Float32Array {
  const rows: number[] = []
  for (let block = 0; block < outer; block++) {
    for (let position = 0; position < golden.positions; position += golden.position_step) {
      const from = (block * golden.positions + position) * width
      for (let k = 0; k < width; k++) rows.push(data[from + k]!)
    }
  }
  return Float32Array.from(rows)
}

describe('hearing', () => {
  it('encodes as Whisper in torch does', () => {
    expect(encoded.positions).toBe(golden.positions)
    const features = everyStep(encoded.features.data, 1, whisper.manifest.encoder.hidden)
    expect(relativeDistance(features, readFloats(golden.features.file))).toBeLessThan(
      golden.tolerance.encoder,
    )
    for (const [name, reference] of Object.entries(golden.cross)) {
      const [heads, , width] = reference.shape as [number, number, number]
      const ours = everyStep(encoded.cross[name]!.data as Float32Array, heads, width)
      expect(relativeDistance(ours, readFloats(reference.file))).toBeLessThan(golden.tolerance.encoder)
    }
  })

  it('hears the same pieces with nearly the same certainty', async () => {
    const { max_tokens: maxTokens, alternatives } = pocket.manifest.hearing
    const listener = new WhisperListener(
      new Recognizer(
        new WhisperDecoder(decoderSession, whisper.manifest.decoder, 1),
        whisper.manifest.tokens,
      ),
      whisper.manifest,
      speechTokenizer,
    )
    const heard = await listener.listen(encoded, {
      maxTokens,
      alternatives,
      scorer: null,
      who: { tenant: 'test', signal },
    })
    expect(heard.steps.map(({ ids }) => ids[0])).toEqual(golden.ids)
    const best = heard.steps.map(({ probabilities }) => probabilities[0]!)
    const theirs = readFloats(golden.top_probabilities.file).filter((_, k) => k % alternatives === 0)
    expect(largestDifference(best, theirs)).toBeLessThan(golden.tolerance.probability)
    const difference = Math.abs(heard.meanLogprob - golden.mean_log_probability)
    expect(difference).toBeLessThan(golden.tolerance.mean_log_probability)
  })

  it('bridges the same alternatives to the same speech tokens', async () => {
    const { language_model: model } = pocket.manifest
    const table = await EmbeddingTable.load(pocket.path(model.embedding.file), model)
    const language = await loadTokenizer(pocket.path(pocket.manifest.tokenizer))
    const ids = readIntegers(golden.top_ids.file)
    const probabilities = readFloats(golden.top_probabilities.file)
    const width = golden.top_ids.shape[1]!
    const steps = golden.ids.map((_, step) => ({
      ids: [...ids.subarray(step * width, (step + 1) * width)],
      probabilities: [...probabilities.subarray(step * width, (step + 1) * width)],
    }))
    const ours = createVocabularyBridge(speechTokenizer, language, table).embed(steps)
    expect(largestDifference(ours, readFloats(golden.speech.file))).toBeLessThan(golden.tolerance.speech)
  })

  it('projects the same acoustic tokens', async () => {
    const ours = await checkpoint.projectAcoustic(encoded.features, signal)
    expect(largestDifference(ours, readFloats(golden.acoustic.file))).toBeLessThan(golden.tolerance.acoustic)
  })
})
