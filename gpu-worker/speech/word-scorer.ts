/**
 * What words are worth beside how they sound: an n-gram model's score at word borders, a bonus a word, and boosts
 * for hotwords. A word is scored once it is complete, that is, when the next one begins or the text ends.
 */
import type { LanguageModel } from '../../src/ngram/language-model.ts'
import { plainTokenizer, SPACE, type TokenizerOptions, tokenize } from '../../src/ngram/tokenizer.ts'
import type { TranscribeOptions } from '../model/speech-model.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import { type HotwordMatch, HotwordTrie } from './hotword-trie.ts'

/** Along a hypothesis; never changed once made. */
export interface WordState {
  /** Letters of the word that isn't complete yet, spaces included. */
  readonly pending: string
  /** The language model's state; null without one. */
  readonly model: unknown
  /** At the start of a sentence, nothing scored since. */
  readonly atStart: boolean
  /** Sum of the language model's log10; null without one. */
  readonly log10: number | null
  /** Word bonuses and boosts that are earned for good. */
  readonly earned: number
  readonly match: HotwordMatch | null
  /** Earned, and what the beginning of a hotword has for the time being. */
  readonly bonus: number
  /** weight · ln 10 · log10 + bonus */
  readonly score: number
}

/** What a request says of the words that are likely in it. */
export interface ExpectedWords {
  readonly languageModel: TranscribeOptions['languageModel']
  readonly hotwords: readonly string[]
}

export interface WordScorerOptions {
  readonly model: LanguageModel<unknown> | null
  /** How the model's text was cut. */
  readonly tokenizer: TokenizerOptions
  readonly weight: number
  readonly wordBonus: number
  readonly hotwords: HotwordTrie | null
  /** Text of a token. Times and other special tokens have none. */
  readonly textOf: (id: number) => string
}

const LEADING = /^[^\p{L}\p{N}]+/u
const TRAILING = /[^\p{L}\p{N}]+$/u
const ENDS_SENTENCE = /[.?!]["')\]]*$/

export class WordScorer {
  readonly #options: WordScorerOptions
  readonly #start: WordState

  constructor(options: WordScorerOptions) {
    this.#options = options
    const model = options.model ? options.model.start() : null
    const log10 = options.model ? 0 : null
    this.#start = {
      pending: '',
      model,
      atStart: true,
      log10,
      earned: 0,
      match: options.hotwords?.start() ?? null,
      bonus: 0,
      score: 0,
    }
  }

  start(): WordState {
    return this.#start
  }

  /** The state with one more token; a token that begins with a space completes the word before. */
  extend(state: WordState, id: number): WordState {
    const text = this.#options.textOf(id)
    if (text === '') return state
    const complete = text.startsWith(' ') && state.pending.trim() !== '' ? this.#complete(state) : state
    return this.#priced({
      ...complete,
      pending: complete.pending + text,
      match: complete.match && this.#options.hotwords!.advance(complete.match, text),
    })
  }

  /** The state when the text ends here. */
  end(state: WordState): WordState {
    const complete = state.pending.trim() === '' ? state : this.#complete(state)
    const { hotwords, model } = this.#options
    const closed =
      model && !complete.atStart
        ? { ...complete, log10: complete.log10! + model.score(complete.model, '</s>').log10Prob }
        : complete
    const earned = closed.earned + (closed.match ? hotwords!.close(closed.match).earned : 0)
    return this.#priced({ ...closed, earned, match: null })
  }

  #complete(state: WordState): WordState {
    const { model, tokenizer, wordBonus, hotwords } = this.#options
    const written = state.pending.trim()
    const closed = state.match ? hotwords!.close(state.match) : null
    const scored = model ? scoreWord(model, tokenizer, state, written) : null
    const isWord = bare(written) !== ''
    return {
      ...state,
      pending: '',
      model: scored?.model ?? state.model,
      atStart: scored?.atStart ?? state.atStart,
      log10: scored ? state.log10! + scored.log10 : null,
      earned: state.earned + (isWord ? wordBonus : 0) + (closed?.earned ?? 0),
      match: closed?.match ?? null,
    }
  }

  #priced(state: WordState): WordState {
    const bonus = state.earned + (state.match?.provisional ?? 0)
    const model = state.log10 === null ? 0 : this.#options.weight * Math.LN10 * state.log10
    return { ...state, bonus, score: model + bonus }
  }
}

/** @returns null where nothing is expected */
export function scorerOf(
  { languageModel, hotwords }: ExpectedWords,
  textOf: (id: number) => string,
): WordScorer | null {
  if (languageModel === null && hotwords.length === 0) return null
  return new WordScorer({
    model: languageModel?.model ?? null,
    tokenizer: languageModel?.tokenizer ?? plainTokenizer,
    weight: languageModel?.weight ?? 0,
    wordBonus: languageModel?.wordBonus ?? 0,
    hotwords: hotwords.length > 0 ? new HotwordTrie(hotwords) : null,
    textOf,
  })
}

/** What a token's text is, for hypotheses: bytes that are no whole character are left out of words. */
export function tokenTexts(tokenizer: Tokenizer): (id: number) => string {
  const known = new Map<number, string>()
  return id => {
    let text = known.get(id)
    if (text === undefined) {
      text = tokenizer.decode([id])
      known.set(id, text)
    }
    return text
  }
}

/** A written word without the punctuation around it. */
function bare(written: string): string {
  return written.replace(LEADING, '').replace(TRAILING, '')
}

/** What the model makes of a written word: one of its own, several, or none; and of the sentence's end behind it. */
function scoreWord(
  model: LanguageModel<unknown>,
  tokenizer: TokenizerOptions,
  state: WordState,
  written: string,
) {
  let { model: current, atStart } = state
  let log10 = 0
  const tokens = tokenize(bare(written), tokenizer)
  if (tokenizer.tokenization === 'characters' && !atStart) tokens.unshift(SPACE)
  for (const token of tokens) {
    const scored = scoreToken(model, current, token)
    log10 += scored.log10Prob
    current = scored.state
    atStart = false
  }
  if (!atStart && ENDS_SENTENCE.test(written)) {
    log10 += model.score(current, '</s>').log10Prob
    current = model.start()
    atStart = true
  }
  return { model: current, atStart, log10 }
}

/** Transcripts have capitals where sentences begin; a model of small letters knows the word all the same. */
function scoreToken(model: LanguageModel<unknown>, state: unknown, token: string) {
  const scored = model.score(state, token)
  const small = token.toLowerCase()
  if (!scored.isUnknown || small === token) return scored
  return model.score(state, small)
}
