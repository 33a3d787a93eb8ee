/** Our own Whisper, in this process: bytes of a file in, text and words out, as the worker does it. */
import { decodeAudioPieces } from '../gpu-worker/audio/decode.ts'
import type { WhisperManifest } from '../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../gpu-worker/model/pack.ts'
import type { SpeechModel, TranscribeOptions, Word } from '../gpu-worker/model/speech-model.ts'
import { loadWhisperModel } from '../gpu-worker/model/whisper/whisper.ts'
import { loadRuntime } from '../gpu-worker/runtime/load-runtime.ts'

const LIMITS = { maxSeconds: 7200, maxBytes: 1e9 }

export interface Transcribed {
  readonly text: string
  readonly words: readonly Word[]
  readonly ms: number
  /** Until the first segment; null when there was none. */
  readonly firstMs: number | null
}

export class Transcriber {
  readonly #model: SpeechModel

  private constructor(model: SpeechModel) {
    this.#model = model
  }

  static async load(threads: number): Promise<Transcriber> {
    const [packs, runtime] = await Promise.all([loadPacks('models'), loadRuntime()])
    const pack = packs.get('whisper-tiny.en') as Pack<WhisperManifest>
    return new Transcriber(await loadWhisperModel(pack, { runtime, threads, packs }))
  }

  async transcribe(bytes: Uint8Array, options: Partial<TranscribeOptions>): Promise<Transcribed> {
    const { signal } = new AbortController()
    const started = performance.now()
    let firstMs: number | null = null
    let text = ''
    const words: Word[] = []
    const events = this.#model.transcribe(decodeAudioPieces(bytes, LIMITS, signal), {
      ...DEFAULTS,
      signal,
      ...options,
    })
    for await (const event of events) {
      if (event.type !== 'segment') continue
      firstMs ??= performance.now() - started
      text += event.segment.text
      words.push(...(event.segment.words ?? []))
    }
    return { text, words, ms: performance.now() - started, firstMs }
  }

  close(): Promise<void> {
    return this.#model.close()
  }
}

const DEFAULTS: Omit<TranscribeOptions, 'signal'> = {
  language: null,
  prompt: null,
  temperature: null,
  beamSize: 5,
  segmentTimestamps: false,
  wordTimestamps: false,
  logprobs: false,
  nBest: 1,
  languageModel: null,
  hotwords: [],
  vad: 'auto',
  tenant: 'bench',
}
