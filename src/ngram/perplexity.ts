/** How surprised a model is by a text: perplexity, with the words that it doesn't know counted apart, as KenLM does. */
import type { LanguageModel } from './language-model.ts'
import { SENTENCE_END, SPECIAL_WORDS } from './vocabulary.ts'

/** The result over a text. */
export interface Perplexity {
  /** Words and sentence ends. */
  readonly tokens: number
  readonly sentences: number
  /** Words that the model doesn't know. */
  readonly unknown: number
  /** Over all tokens, unknown ones at the probability of `<unk>`. NaN for an empty text. */
  readonly includingUnknown: number
  /** Over the known tokens only. */
  readonly excludingUnknown: number
  /** log10 of the probability of everything. */
  readonly log10Prob: number
}

/** The result for one sentence. */
export interface SentenceScore {
  readonly log10Prob: number
  readonly unknown: number
  /** For each word, then `</s>`: log10 of its probability. */
  readonly words: readonly {
    readonly word: string
    readonly log10Prob: number
    readonly isUnknown: boolean
  }[]
}

/** Scores `<s> words </s>`. */
export function scoreSentence<State>(model: LanguageModel<State>, words: readonly string[]): SentenceScore {
  let state = model.start()
  let log10Prob = 0
  let unknown = 0
  const scored = [...words, SPECIAL_WORDS[SENTENCE_END]].map(word => {
    const next = model.score(state, word)
    state = next.state
    log10Prob += next.log10Prob
    if (next.isUnknown) unknown++
    return { word, log10Prob: next.log10Prob, isUnknown: next.isUnknown }
  })
  return { log10Prob, unknown, words: scored }
}

/**
 * Scores every sentence of a text.
 * @param sentences each as its words
 */
export async function measurePerplexity<State>(
  model: LanguageModel<State>,
  sentences: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
): Promise<Perplexity> {
  let tokens = 0
  let count = 0
  let unknown = 0
  let log10Prob = 0
  let log10ProbUnknown = 0
  for await (const words of sentences) {
    const score = scoreSentence(model, words)
    count++
    tokens += score.words.length
    unknown += score.unknown
    log10Prob += score.log10Prob
    for (const word of score.words) if (word.isUnknown) log10ProbUnknown += word.log10Prob
  }
  return {
    tokens,
    sentences: count,
    unknown,
    includingUnknown: 10 ** (-log10Prob / tokens),
    excludingUnknown: 10 ** (-(log10Prob - log10ProbUnknown) / (tokens - unknown)),
    log10Prob,
  }
}
