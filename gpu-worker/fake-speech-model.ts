/** A speech model for tests: it says given segments of a second each, whatever it hears. No weights, no ONNX. */
import type { SpeechModel, TranscribeOptions } from './model/speech-model.ts'

export interface FakeSpeechModel extends SpeechModel {
  /** What it was asked for. */
  readonly options: TranscribeOptions[]
  /** How each transcription ended; 'aborted' when nobody wanted the rest. */
  readonly endings: string[]
}

/** @param settings.endless repeats the segments until it is aborted */
export function fakeSpeechModel(
  texts: readonly string[],
  settings: { endless?: boolean } = {},
): FakeSpeechModel {
  const asked: TranscribeOptions[] = []
  const endings: string[] = []
  return {
    id: 'hears',
    languages: ['en'],
    canTranslate: false,
    options: asked,
    endings,
    close: async () => {},
    async *transcribe(samples, options) {
      asked.push(options)
      let count = 0
      for await (const piece of samples) count += piece.length
      let ending = 'aborted'
      try {
        for (let id = 0; settings.endless || id < texts.length; id++) {
          await new Promise(resolve => setImmediate(resolve))
          options.signal.throwIfAborted()
          yield { type: 'segment', segment: segmentOf(texts[id % texts.length]!, id, options) }
        }
        ending = 'end'
        yield {
          type: 'end',
          durationSeconds: count / 16_000,
          speechSeconds: texts.length,
          language: 'en',
          noSpeech: texts.length === 0,
          timestampSource: 'align',
        }
      } finally {
        endings.push(ending)
      }
    },
  }
}

function segmentOf(text: string, id: number, options: TranscribeOptions) {
  const words = text.trim().split(' ')
  return {
    id,
    seek: 0,
    start: id,
    end: id + 1,
    text,
    tokens: words.map((_, index) => index + 1),
    temperature: options.temperature ?? 0,
    avgLogprob: -0.5,
    compressionRatio: 1,
    noSpeechProbability: 0.01,
    words: options.wordTimestamps
      ? words.map(word => ({ word, start: id, end: id + 1, probability: 0.9 }))
      : null,
    logprobs: options.logprobs
      ? words.map((word, index) => ({ id: index, token: ` ${word}`, bytes: [32], logprob: -0.5 }))
      : null,
    hypotheses:
      options.nBest > 1
        ? Array.from({ length: options.nBest }, (_, index) => {
            const languageModel = options.languageModel ? -2 : null
            const acoustic = -1 - index
            const length = 0.1 * words.length
            const ngram = (options.languageModel?.weight ?? 0) * Math.LN10 * (languageModel ?? 0)
            return { text, acoustic, languageModel, length, score: acoustic + ngram + length }
          })
        : null,
  }
}
