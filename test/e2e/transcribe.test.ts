/** Whisper with its real weights: what it hears, alone and in company, and that it hears nothing where nothing is said. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAudio } from '../../gpu-worker/audio/decode.ts'
import type { WhisperManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import type {
  Segment,
  SpeechModel,
  TranscribeEvent,
  TranscribeOptions,
} from '../../gpu-worker/model/speech-model.ts'
import { loadWhisperModel } from '../../gpu-worker/model/whisper/whisper.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { plainTokenizer } from '../../src/ngram/tokenizer.ts'
import { wordErrors } from '../support/word-error-rate.ts'

const RATE = 16_000
const LIMITS = { maxSeconds: 600, maxBytes: 26_214_400 }

interface Fixture {
  file: string
  text: string
}

let model: SpeechModel

beforeAll(async () => {
  const [packs, runtime] = await Promise.all([loadPacks('models'), loadRuntime()])
  model = await loadWhisperModel(packs.get('whisper-tiny.en') as Pack<WhisperManifest>, {
    runtime,
    threads: 2,
    packs,
  })
})
afterAll(() => model.close())

const defaults: TranscribeOptions = {
  language: null,
  prompt: null,
  temperature: null,
  beamSize: 1,
  segmentTimestamps: false,
  wordTimestamps: false,
  logprobs: false,
  nBest: 1,
  languageModel: null,
  hotwords: [],
  vad: 'auto',
  tenant: 'test',
  signal: new AbortController().signal,
}

async function transcribe(samples: Float32Array, options: Partial<TranscribeOptions> = {}) {
  async function* pieces() {
    for (let at = 0; at < samples.length; at += 20_000) yield samples.subarray(at, at + 20_000)
  }
  const segments: Segment[] = []
  let end: Extract<TranscribeEvent, { type: 'end' }> | null = null
  for await (const event of model.transcribe(pieces(), { ...defaults, ...options })) {
    if (event.type === 'segment') segments.push(event.segment)
    else end = event
  }
  return { segments, text: segments.map(({ text }) => text).join(''), end: end! }
}

async function fixtures(set: string): Promise<(Fixture & { samples: Float32Array })[]> {
  const folder = new URL(`../fixtures/${set}/`, import.meta.url)
  const entries = JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')) as Fixture[]
  return Promise.all(
    entries.map(async entry => {
      const { samples } = await decodeAudio(await readFile(new URL(entry.file, folder)), LIMITS)
      return { ...entry, samples }
    }),
  )
}

/** One after the other, with pauses, and where each begins, seconds. */
function joined(clips: readonly { samples: Float32Array }[], pauseSeconds: number) {
  const starts: number[] = []
  let length = 0
  for (const { samples } of clips) {
    starts.push(length / RATE)
    length += samples.length + pauseSeconds * RATE
  }
  const whole = new Float32Array(length)
  for (const [index, { samples }] of clips.entries()) whole.set(samples, Math.round(starts[index]! * RATE))
  return { whole, starts }
}

describe('what is heard', () => {
  it('is what was recorded: at most 5.5 % of the words of telephone prompts are wrong', async () => {
    const counted = { errors: 0, words: 0 }
    for (const { samples, text } of await fixtures('telephone-prompts')) {
      const { errors, words } = wordErrors(text, (await transcribe(samples)).text)
      counted.errors += errors
      counted.words += words
    }
    expect(counted.errors / counted.words).toBeLessThan(0.055)
  })

  it('is the same words alone and in a batch with others, greedy and by beam search', async () => {
    const clips = (await fixtures('spoken-sentences')).slice(0, 6)
    const beams = [1, 5, 3, 1, 5, 2]
    const together = await Promise.all(
      clips.map(({ samples }, k) => transcribe(samples, { beamSize: beams[k]!, tenant: `t${k % 2}` })),
    )
    // Kernels add in another order for more rows: at a near tie ("whether" or "Whether") another token may win.
    for (const [k, { samples }] of clips.entries()) {
      const alone = await transcribe(samples, { beamSize: beams[k]! })
      expect(wordErrors(alone.text, together[k]!.text).errors).toBe(0)
      expect(together[k]!.segments[0]!.avgLogprob).toBeCloseTo(alone.segments[0]!.avgLogprob, 1)
    }
  })

  it('of a long recording has sentences and words where they were said', async () => {
    const clips = (await fixtures('spoken-sentences')).slice(0, 14)
    const { whole, starts } = joined(clips, 1)
    const { segments, text, end } = await transcribe(whole, { segmentTimestamps: true, wordTimestamps: true })
    const { errors, words } = wordErrors(clips.map(clip => clip.text).join(' '), text)
    expect(errors / words).toBeLessThan(0.08)
    expect(end).toMatchObject({ noSpeech: false, timestampSource: 'align', language: 'en' })
    expect(end.durationSeconds).toBe(whole.length / RATE)
    expect(segments.map(({ id }) => id)).toEqual(segments.map((_, index) => index))
    let last = 0
    for (const segment of segments) {
      expect(segment.words!.map(({ word }) => word).join(' ')).toBe(segment.text.trim())
      for (const { start, end: wordEnd } of segment.words!) {
        expect(start).toBeGreaterThanOrEqual(last - 0.001)
        expect(wordEnd).toBeGreaterThanOrEqual(start)
        last = start
      }
    }
    // Each clip's beginning is the beginning of a segment, give or take its leading silence.
    for (const start of starts) {
      expect(Math.min(...segments.map(segment => Math.abs(segment.start - start)))).toBeLessThan(0.7)
    }
  })

  it('with Whisper’s own times leaves nothing out', async () => {
    const clips = (await fixtures('telephone-prompts')).slice(0, 8)
    const { whole } = joined(clips, 0.6)
    const { segments, text, end } = await transcribe(whole, { segmentTimestamps: 'model' })
    expect(end.timestampSource).toBe('model')
    const { errors, words } = wordErrors(clips.map(clip => clip.text).join(' '), text)
    expect(errors / words).toBeLessThan(0.12)
    for (const { start, end: segmentEnd } of segments) expect(segmentEnd).toBeGreaterThanOrEqual(start)
  })

  it('has alternatives, log-probabilities and scores that add up', async () => {
    const [clip] = await fixtures('telephone-prompts')
    const { segments } = await transcribe(clip!.samples, { beamSize: 5, nBest: 4, logprobs: true })
    const [{ hypotheses, logprobs, text }] = segments as [Segment]
    expect(hypotheses!.length).toBeGreaterThan(1)
    expect(hypotheses![0]!.text).toBe(text)
    for (const { acoustic, length, score, languageModel } of hypotheses!) {
      expect(languageModel).toBeNull()
      expect(score).toBeCloseTo(acoustic + length, 6)
    }
    expect(logprobs!.map(({ token }) => token).join('')).toBe(text)
    expect(Buffer.from(logprobs!.flatMap(({ bytes }) => bytes)).toString()).toBe(text)
    for (const { logprob } of logprobs!) expect(logprob).toBeLessThanOrEqual(0)
  })

  it('follows hotwords and a language model, and a prompt’s spelling', async () => {
    const clip = (await fixtures('spoken-messages')).find(({ text }) => /Philip|Phillip/.test(text))!
    const plain = await transcribe(clip.samples, { beamSize: 5 })
    expect(plain.text).toContain('Philip')
    const spelled = await transcribe(clip.samples, { beamSize: 5, hotwords: ['Phillip'] })
    expect(spelled.text).toContain('Phillip')
    const languageModel = {
      model: {
        words: ['phillip'],
        start: () => null,
        empty: () => null,
        key: () => '',
        score: (_: unknown, word: string) => ({
          log10Prob: word.toLowerCase() === 'philip' ? -12 : -1,
          state: null,
          isUnknown: false,
        }),
      },
      tokenizer: { ...plainTokenizer, lowercase: true },
      weight: 0.5,
      wordBonus: 1,
    }
    const fused = await transcribe(clip.samples, { beamSize: 5, nBest: 2, languageModel })
    expect(fused.text).not.toContain('Philip ')
    const [best] = fused.segments[0]!.hypotheses!
    expect(best!.score).toBeCloseTo(best!.acoustic + 0.5 * Math.LN10 * best!.languageModel! + best!.length, 6)
    const prompted = await transcribe(clip.samples, { prompt: 'A message from Phillip.' })
    expect(wordErrors(clip.text.replaceAll('Philip', 'Phillip'), prompted.text).errors).toBeLessThan(4)
  })
})

describe('where nothing is said', () => {
  it.each([
    ['auto', [2, 12, 40]],
    [null, [2, 35]],
  ] as const)('no words are invented in a few seconds and in many (vad: %s)', async (vad, lengths) => {
    for (const { file, samples } of await fixtures('sounds')) {
      for (const seconds of lengths) {
        const { text, end } = await transcribe(repeated(samples, seconds), { vad })
        expect(`${file}: ${text}`).toBe(`${file}: `)
        expect(end.noSpeech).toBe(true)
      }
    }
  })

  it('nor in ten minutes of silence, noise, music, a tone and slamming doors', async () => {
    const sounds = await fixtures('sounds')
    const named = (file: string) => sounds.find(sound => sound.file === file)!.samples
    const tone = Float32Array.from({ length: RATE }, (_, n) => 0.3 * Math.sin((2 * Math.PI * 440 * n) / RATE))
    const silence = new Float32Array(RATE)
    for (const samples of [
      silence,
      tone,
      named('noise-pink.opus'),
      named('music-piano.opus'),
      named('door-1.opus'),
    ]) {
      const { text, end } = await transcribe(repeated(samples, 600), { segmentTimestamps: true })
      expect(text).toBe('')
      expect(end).toMatchObject({ noSpeech: true, durationSeconds: 600, speechSeconds: 0 })
    }
  })
})

it('stops when it is told to, and goes on with the next', async () => {
  const [clip, other] = await fixtures('spoken-messages')
  const abort = new AbortController()
  const left = transcribe(repeated(clip!.samples, 200), { signal: abort.signal, beamSize: 5 })
  const stays = transcribe(other!.samples)
  setTimeout(() => abort.abort(new Error('gone')), 150)
  await expect(left).rejects.toThrow('gone')
  expect((await stays).text).toBe((await transcribe(other!.samples)).text)
})

function repeated(samples: Float32Array, seconds: number): Float32Array {
  return Float32Array.from({ length: seconds * RATE }, (_, n) => samples[n % samples.length]!)
}
