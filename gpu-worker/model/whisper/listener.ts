/** Whisper's decoder, listening for chat: what was said in one window, with the alternatives of every step. */
import type { EncodeFor } from '../../encode/encode-queue.ts'
import { seededRandom } from '../../sampling/random.ts'
import type { FoundTranscript } from '../../speech/search.ts'
import { TokenRules } from '../../speech/token-rules.ts'
import type { WordScorer } from '../../speech/word-scorer.ts'
import type { Tokenizer } from '../../text/tokenizer.ts'
import type { WhisperManifest } from '../manifest.ts'
import type { EncodedSpeech } from './encoder.ts'
import { compressionRatio, MAX_COMPRESSION_RATIO } from './hear-window.ts'
import type { Recognizer } from './recognizer.ts'

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
  /** What the sound alone says, where words that were expected changed it; null where it is the same. */
  unbiasedText: string | null
  /** Whisper's own probability that there is no speech, at its first step. */
  noSpeechProbability: number
  /** Mean log-probability of the pieces, the end of text included. */
  meanLogprob: number
  /** The transcript goes round in circles or never ended. */
  isLoop: boolean
}

export interface ListenOptions {
  /** Longest transcript. */
  readonly maxTokens: number
  /** Pieces kept of each step. */
  readonly alternatives: number
  /** Words that are expected; null: the sound alone counts, greedily. */
  readonly scorer: WordScorer | null
  readonly who: Pick<EncodeFor, 'tenant' | 'signal'>
}

/** Hypotheses kept where words are expected. */
const BEAM_SIZE = 5

export class WhisperListener {
  readonly #recognizer: Recognizer
  readonly #manifest: WhisperManifest
  readonly #tokenizer: Tokenizer
  readonly #rules: TokenRules

  constructor(recognizer: Recognizer, manifest: WhisperManifest, tokenizer: Tokenizer) {
    this.#recognizer = recognizer
    this.#manifest = manifest
    this.#tokenizer = tokenizer
    const { end_of_text: endOfText, no_speech: noSpeech, no_timestamps } = manifest.tokens
    // Nothing is suppressed: an end at once means that nothing was said.
    this.#rules = new TokenRules({ endOfText, noSpeech, firstTimestamp: no_timestamps + 1 }, [], {
      blank: null,
      withTimestamps: false,
    })
  }

  async listen(speech: EncodedSpeech, options: ListenOptions): Promise<HeardSpeech> {
    const { tokens } = this.#manifest
    const { alternatives, scorer } = options
    // Together they take little longer than the first alone.
    const [{ noSpeechProbability, best }, unbiased] = await Promise.all([
      this.#search(speech, options, scorer),
      scorer ? this.#search(speech, options, null) : null,
    ])
    const text = this.#tokenizer.decode(best.tokens)
    const unbiasedText = unbiased ? this.#tokenizer.decode(unbiased.best.tokens) : text
    return {
      steps: best.tokens.map((id, index) =>
        ledBy(id, withoutId(best.steps[index]!, tokens.end_of_text, alternatives)),
      ),
      text,
      unbiasedText: unbiasedText === text ? null : unbiasedText,
      noSpeechProbability,
      meanLogprob: best.acoustic / best.logprobs.length,
      isLoop: !best.ended || compressionRatio(text) > MAX_COMPRESSION_RATIO,
    }
  }

  async #search(
    speech: EncodedSpeech,
    { maxTokens, alternatives, who }: ListenOptions,
    scorer: WordScorer | null,
  ): Promise<{ noSpeechProbability: number; best: FoundTranscript }> {
    const { tokens, decoder } = this.#manifest
    const { noSpeechProbability, transcripts } = await this.#recognizer.recognize({
      speech,
      previous: [],
      withTimestamps: false,
      search: {
        rules: this.#rules,
        endOfText: tokens.end_of_text,
        maxTokens: Math.min(maxTokens, decoder.max_positions - 2),
        width: scorer ? BEAM_SIZE : 1,
        temperature: 0,
        random: seededRandom(0),
        scorer,
        alternatives: alternatives + 1,
      },
      ...who,
    })
    return { noSpeechProbability, best: transcripts[0]! }
  }
}

/** The end of text competes for the first place and takes its share, but it is no alternative to a word. */
function withoutId({ ids, probabilities }: HeardStep, dropped: number, count: number): HeardStep {
  const kept = [...ids.keys()].filter(rank => ids[rank] !== dropped).slice(0, count)
  return { ids: kept.map(rank => ids[rank]!), probabilities: kept.map(rank => probabilities[rank]!) }
}

/** The piece that was chosen comes first, with the first one's probability; that one takes its place. */
function ledBy(chosen: number, { ids, probabilities }: HeardStep): HeardStep {
  if (ids[0] === chosen) return { ids, probabilities }
  const at = ids.indexOf(chosen)
  const place = at < 0 ? ids.length - 1 : at
  return { ids: [chosen, ...ids.slice(1).with(place - 1, ids[0]!)], probabilities }
}
