/** Second pass over a recogniser's n-best list: the same hypotheses in a better order, and why. */
import { HOTWORD_BONUS, type Hotwords } from './hotwords.ts'
import type { LanguageModel } from './language-model.ts'
import { scoreSentence } from './perplexity.ts'
import { plainTokenizer, type TokenizerOptions, tokenize } from './tokenizer.ts'

/** One guess of a recogniser. */
export interface Hypothesis {
  readonly text: string
  /** Natural logarithm of its probability given the sound, as the recogniser has it. */
  readonly acousticLogprob: number
}

/** How much the language model has to say. */
export interface RescoreOptions {
  /** What the model's log-probability is multiplied with; 0 leaves the order as it was. */
  readonly ngramWeight: number
  /** Added for each word, against a liking for short texts. */
  readonly wordBonus: number
  /** How the model's text was cut; left out: at spaces. */
  readonly tokenizer?: TokenizerOptions
  /** Each of their words is worth HOTWORD_BONUS. */
  readonly hotwords?: Hotwords
}

/** A hypothesis with its score and what that is made of: score = acoustic + ngram + length (hotwords included). */
export interface Rescored {
  readonly text: string
  /** Its place in the list that was given, from 0. */
  readonly index: number
  readonly score: number
  readonly parts: { readonly acoustic: number; readonly ngram: number; readonly length: number }
  /** Natural logarithm of the model's probability of the text and its end, not weighted; null without a model. */
  readonly ngramLogprob: number | null
  readonly wordCount: number
  /** Words that the model doesn't know, as they stand in the text. */
  readonly unknownWords: readonly string[]
}

/**
 * Sorts hypotheses by acoustic + weight · model + bonus · words + hotwords, best first; equals stay in order.
 * @param model null: by all else
 * @example rescore(model, [{ text: 'what do bays make', acousticLogprob: -3.1 }, ...], { ngramWeight: 0.5, wordBonus: 0.2 })
 */
export function rescore<State>(
  model: LanguageModel<State> | null,
  hypotheses: readonly Hypothesis[],
  options: RescoreOptions,
): Rescored[] {
  return hypotheses
    .map(({ text, acousticLogprob }, index): Rescored => {
      const words = tokenize(text, options.tokenizer ?? plainTokenizer)
      const sentence = model && scoreSentence(model, words)
      const ngramLogprob = sentence && sentence.log10Prob * Math.LN10
      const parts = {
        acoustic: acousticLogprob,
        ngram: options.ngramWeight * (ngramLogprob ?? 0),
        length: options.wordBonus * words.length + HOTWORD_BONUS * (options.hotwords?.count(text) ?? 0),
      }
      return {
        text,
        index,
        score: parts.acoustic + parts.ngram + parts.length,
        parts,
        ngramLogprob,
        wordCount: words.length,
        unknownWords: sentence?.words.filter(({ isUnknown }) => isUnknown).map(({ word }) => word) ?? [],
      }
    })
    .sort((one, other) => other.score - one.score)
}
