/** What can be asked of a language model, word by word: the same of one model and of several mixed. */

/** The answer for one word. */
export interface Scored<State> {
  /** log10 p(word | what came before). */
  readonly log10Prob: number
  /** What to score the next word from; the one given stays as it was. */
  readonly state: State
  /** True for words that the model doesn't know. */
  readonly isUnknown: boolean
}

/**
 * A model that goes along with a search: each hypothesis keeps a state of its own, which is small and never changes.
 * @example
 * let state = model.start()
 * for (const word of ['how', 'are', 'you', '</s>']) {
 *   const scored = model.score(state, word)
 *   total += scored.log10Prob
 *   state = scored.state
 * }
 */
export interface LanguageModel<State> {
  /** The words that can be predicted: all but `<s>`, `<unk>` included. */
  readonly words: Iterable<string>
  /** At the start of a sentence: after `<s>`. */
  start(): State
  /** With nothing known of what came before. */
  empty(): State
  score(state: State, word: string): Scored<State>
  /** Equal for states from which all words have the same probabilities: hypotheses there can be merged. */
  key(state: State): string
}
