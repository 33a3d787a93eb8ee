/** Whisper as a model that transcribes: windows of a recording, heard a few at a time, given out in order. */
import { HOP_SAMPLES, SAMPLE_RATE_HZ, SAMPLES_PER_POSITION, WINDOW_SECONDS } from '../../audio/constants.ts'
import type { EncodeQueue, TakeTurn } from '../../encode/encode-queue.ts'
import { alignTokens } from '../../speech/alignment.ts'
import { type AudioWindow, fitsIn, quietWindows, speechWindows } from '../../speech/audio-windows.ts'
import type { FoundTranscript } from '../../speech/search.ts'
import { splitSegments, splitSentences, type TimedTokens } from '../../speech/segments.ts'
import { nonSpeechTokens, TokenRules } from '../../speech/token-rules.ts'
import { scorerOf, tokenTexts } from '../../speech/word-scorer.ts'
import { joinCharacters, type TimedWord, timeWords, toWord } from '../../speech/words.ts'
import type { VoiceActivity } from '../silero-vad/voice-activity.ts'
import type {
  Hypothesis,
  Segment,
  SpeechModel,
  TranscribeEvent,
  TranscribeOptions,
  TranscriptToken,
  VoiceActivityOptions,
} from '../speech-model.ts'
import {
  type Ears,
  type HeardTranscript,
  type HearOptions,
  hearTranscript,
  TAIL_SAMPLES,
} from './hear-window.ts'

/** Windows of one recording that are heard at once, or waited for. */
const WINDOWS_AHEAD = 4
/** Tokens of a prompt that are kept, its last ones. Source: openai/whisper `decoding.py`, n_ctx // 2 - 1. */
const MAX_PROMPT_TOKENS = 223
const MAX_WINDOW_SECONDS = WINDOW_SECONDS - TAIL_SAMPLES / SAMPLE_RATE_HZ
const POSITIONS_PER_SECOND = SAMPLE_RATE_HZ / SAMPLES_PER_POSITION

/** Less than this behind the last time is the end of the window. */
const MIN_REST_SAMPLES = SAMPLE_RATE_HZ

/** faster-whisper pads by 400 ms and joins over 2 s; OpenAI's `server_vad` has these. */
const DEFAULT_VAD: VoiceActivityOptions = { threshold: 0.5, minSilenceMs: 500, speechPadMs: 300 }

/** A window and what will be heard in it. */
interface Pending {
  readonly window: AudioWindow
  readonly segments: Promise<Omit<Segment, 'id'>[]>
}

export class WhisperSpeechModel implements SpeechModel {
  readonly id: string
  readonly languages: readonly string[]
  readonly canTranslate = false
  readonly #ears: Ears
  readonly #activity: VoiceActivity | null
  readonly #encodeQueue: EncodeQueue
  readonly #close: () => Promise<void>
  readonly #rules: { readonly timed: TokenRules; readonly plain: TokenRules }
  readonly #textOf: (id: number) => string

  /** @param activity null where there is no detector: recordings are then cut at quiet places */
  constructor(
    ears: Ears,
    activity: VoiceActivity | null,
    encodeQueue: EncodeQueue,
    close: () => Promise<void>,
  ) {
    const { manifest, tokenizer } = ears
    this.id = manifest.name
    this.languages = manifest.languages
    this.#ears = ears
    this.#activity = activity
    this.#encodeQueue = encodeQueue
    this.#close = close
    const tokens = {
      endOfText: manifest.tokens.end_of_text,
      noSpeech: manifest.tokens.no_speech,
      firstTimestamp: manifest.tokens.no_timestamps + 1,
    }
    const suppressed = nonSpeechTokens(tokenizer)
    const blank = tokenizer.encode(' ')[0]!
    this.#rules = {
      timed: new TokenRules(tokens, suppressed, { blank, withTimestamps: true }),
      plain: new TokenRules(tokens, suppressed, { blank, withTimestamps: false }),
    }
    this.#textOf = tokenTexts(tokenizer)
  }

  async *transcribe(
    samples: AsyncIterable<Float32Array>,
    options: TranscribeOptions,
  ): AsyncGenerator<TranscribeEvent> {
    const stop = new AbortController()
    const signal = AbortSignal.any([options.signal, stop.signal])
    const place = this.#encodeQueue.enter({ tenant: options.tenant, priority: 'normal', signal })
    const hear = this.#hearOptions(options, signal, place.turn)
    const pending: Pending[] = []
    let received = 0
    let speechSamples = 0
    let id = 0
    let heardFirst = false
    const counted = count(samples, length => {
      received += length
    })
    try {
      const windows = this.#windows(counted, options, signal, length => {
        speechSamples += length
      })
      let isOver = false
      while (true) {
        // The first window is heard alone, so that the first words come early.
        while (!isOver && pending.length < (heardFirst ? WINDOWS_AHEAD : 1)) {
          const { done, value } = await windows.next()
          if (done) isOver = true
          else {
            const segments = this.#hear(value, hear, options)
            // It is awaited in its turn; until then its failure is nobody's.
            segments.catch(() => {})
            pending.push({ window: value, segments })
          }
        }
        const next = pending.shift()
        if (!next) break
        const segments = await next.segments
        heardFirst = true
        for (const segment of segments) yield { type: 'segment', segment: { id: id++, ...segment } }
      }
    } finally {
      stop.abort()
      place.leave()
    }
    yield {
      type: 'end',
      durationSeconds: received / SAMPLE_RATE_HZ,
      speechSeconds: id === 0 ? 0 : speechSamples / SAMPLE_RATE_HZ,
      language: this.languages[0]!,
      noSpeech: id === 0,
      timestampSource: hear.withTimestamps
        ? 'model'
        : options.segmentTimestamps || options.wordTimestamps
          ? 'align'
          : 'vad',
    }
  }

  close(): Promise<void> {
    return this.#close()
  }

  /** The recording in windows; `onSpeech` is told how much of it is taken for speech. */
  async *#windows(
    samples: AsyncIterable<Float32Array>,
    { vad }: TranscribeOptions,
    signal: AbortSignal,
    onSpeech: (samples: number) => void,
  ): AsyncGenerator<AudioWindow> {
    const activity = this.#activity
    let pieces = samples
    let detects = vad !== null && activity !== null
    if (vad === 'auto') {
      const [isShort, all] = await fitsIn(samples, MAX_WINDOW_SECONDS)
      pieces = all
      detects &&= !isShort
    }
    if (detects) {
      const finder = { activity: activity!, options: vad === 'auto' ? DEFAULT_VAD : vad!, signal }
      yield* speechWindows(pieces, MAX_WINDOW_SECONDS, finder, onSpeech)
      return
    }
    for await (const window of quietWindows(pieces, MAX_WINDOW_SECONDS)) {
      onSpeech(window.samples.length)
      yield window
    }
  }

  #hearOptions(options: TranscribeOptions, signal: AbortSignal, turn: TakeTurn): HearOptions {
    const { prompt, beamSize, temperature, tenant } = options
    const withTimestamps = options.segmentTimestamps === 'model'
    return {
      rules: withTimestamps ? this.#rules.timed : this.#rules.plain,
      withTimestamps,
      previous: prompt ? this.#ears.tokenizer.encode(` ${prompt.trim()}`).slice(-MAX_PROMPT_TOKENS) : [],
      beamSize: Math.max(beamSize, options.nBest),
      temperature,
      scorer: scorerOf(options, this.#textOf),
      tenant,
      signal,
      turn,
    }
  }

  async #hear(
    window: AudioWindow,
    hear: HearOptions,
    options: TranscribeOptions,
  ): Promise<Omit<Segment, 'id'>[]> {
    const heard = await hearTranscript(window.samples, this.#ears, hear)
    if (!heard) return []
    let segments: Omit<Segment, 'id'>[]
    try {
      segments = heard.isSpeech ? await this.#segments(window, heard, hear, options) : []
    } finally {
      this.#ears.encoder.recycle(heard.encoded)
    }
    const rest = hear.withTimestamps ? restOf(window, segments.at(-1)?.end) : null
    return rest ? [...segments, ...(await this.#hear(rest, hear, options))] : segments
  }

  async #segments(
    window: AudioWindow,
    heard: HeardTranscript,
    hear: HearOptions,
    options: TranscribeOptions,
  ): Promise<Omit<Segment, 'id'>[]> {
    const { end_of_text, no_timestamps } = this.#ears.manifest.tokens
    const best = heard.transcripts[0]!
    const windowSeconds = window.samples.length / SAMPLE_RATE_HZ
    const offset = window.start / SAMPLE_RATE_HZ
    const timed = splitSegments(best.tokens, end_of_text, no_timestamps + 1, windowSeconds)
    const isAligned = options.wordTimestamps || options.segmentTimestamps === true
    const words = isAligned ? await this.#timeWords(window, heard, timed, hear.signal) : []
    const parts = options.segmentTimestamps === true ? splitSentences(words, timed) : timed
    const hypotheses = options.nBest > 1 ? this.#hypotheses(heard.transcripts, options.nBest) : null
    let firstToken = 0
    return parts.map((part, index) => {
      const afterToken = firstToken + part.tokens.length
      const own = words.filter(({ first }) => first >= firstToken && first < afterToken)
      firstToken = afterToken
      return {
        seek: Math.round(window.start / HOP_SAMPLES),
        start: offset + (own[0]?.start ?? part.start),
        end: offset + (own.at(-1)?.end ?? part.end),
        text: this.#ears.tokenizer.decode(part.tokens),
        tokens: part.tokens,
        temperature: heard.temperature,
        avgLogprob: heard.avgLogprob,
        compressionRatio: heard.compressionRatio,
        noSpeechProbability: heard.noSpeechProbability,
        words: options.wordTimestamps ? own.map(word => toWord(word, offset)) : null,
        logprobs: options.logprobs ? this.#logprobs(part, best) : null,
        hypotheses: index === 0 ? hypotheses : null,
      }
    })
  }

  /** Where the decoder looked while it said the text, once more and without times. */
  async #timeWords(
    window: AudioWindow,
    { encoded, transcripts }: HeardTranscript,
    parts: readonly TimedTokens[],
    signal: AbortSignal,
  ): Promise<TimedWord[]> {
    const { start_of_transcript, no_timestamps, end_of_text } = this.#ears.manifest.tokens
    const text = parts.flatMap(({ tokens }) => tokens)
    const ids = [start_of_transcript, no_timestamps, ...text, end_of_text]
    const { data, dims } = await this.#ears.decoder.align(encoded, ids, signal)
    const realPositions = Math.ceil(window.samples.length / SAMPLES_PER_POSITION)
    const starts = alignTokens(data, [dims[1]!, dims[2]!, dims[3]!], 1, realPositions)
    const { logprobs } = transcripts[0]!
    const probabilities = parts.flatMap(({ indices }) => indices.map(index => Math.exp(logprobs[index]!)))
    const texts = joinCharacters(text.map(id => this.#ears.tokenizer.bytes(id)))
    return timeWords(texts, starts, probabilities, POSITIONS_PER_SECOND)
  }

  #logprobs({ tokens, indices }: TimedTokens, { logprobs }: FoundTranscript): TranscriptToken[] {
    return tokens.map((id, k) => ({
      id,
      token: this.#textOf(id),
      bytes: [...this.#ears.tokenizer.bytes(id)],
      logprob: logprobs[indices[k]!]!,
    }))
  }

  #hypotheses(transcripts: readonly FoundTranscript[], count: number): Hypothesis[] {
    const { tokenizer, manifest } = this.#ears
    const found = new Map<string, Hypothesis>()
    for (const { tokens, acoustic, words, score } of transcripts) {
      const text = tokenizer.decode(tokens.filter(id => id < manifest.tokens.end_of_text))
      // The same words in other pieces, or at other times, are no other guess.
      if (found.has(text)) continue
      found.set(text, {
        text,
        acoustic,
        languageModel: words?.log10 ?? null,
        length: words?.bonus ?? 0,
        score,
      })
    }
    return [...found.values()].slice(0, count)
  }
}

/** What Whisper left out when its times end before the window does. */
function restOf({ samples, start }: AudioWindow, endSeconds: number | undefined): AudioWindow | null {
  if (endSeconds === undefined) return null
  const heard = Math.round(endSeconds * SAMPLE_RATE_HZ) - start
  if (heard <= 0 || samples.length - heard < MIN_REST_SAMPLES) return null
  return { samples: samples.subarray(heard), start: start + heard }
}

async function* count(
  pieces: AsyncIterable<Float32Array>,
  add: (length: number) => void,
): AsyncGenerator<Float32Array> {
  for await (const piece of pieces) {
    add(piece.length)
    yield piece
  }
}
