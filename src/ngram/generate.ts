/** Text from a model: the likeliest words, a beam, or chance with a seed. */
import type { NgramModel, NgramState } from './model.ts'
import { NgramError } from './ngram-error.ts'
import { seededRandom } from './random.ts'
import { SENTENCE_END, SENTENCE_START, UNKNOWN } from './vocabulary.ts'

/** How words are chosen. */
export type Choice =
  /** Always the likeliest word. */
  | { readonly method: 'argmax' }
  /** The likeliest sentence among as many hypotheses as `width`. */
  | { readonly method: 'beam'; readonly width: number }
  /** By chance: the same seed, the same words. */
  | {
      readonly method: 'sample'
      readonly seed: number
      readonly temperature?: number
      readonly topK?: number
    }

/** What to generate. */
export interface GenerateOptions {
  readonly choice: Choice
  /** At most so many words. */
  readonly maximumWords: number
  /** Words that the sentence begins with. */
  readonly prefix?: readonly string[]
}

/** A sentence from the model. */
export interface Generated {
  /** With the prefix. */
  readonly words: readonly string[]
  /** Of the words after the prefix, and of `</s>` where it came. */
  readonly log10Prob: number
  /** False where the maximum of words ended it. */
  readonly isEnded: boolean
}

interface Hypothesis {
  readonly state: NgramState
  readonly words: readonly number[]
  readonly log10Prob: number
  readonly isEnded: boolean
}

/**
 * Goes through the whole vocabulary for each word: milliseconds a word for tens of thousands.
 * @throws NgramError for a width, temperature or count below what makes sense
 * @example generate(model, { choice: { method: 'sample', seed: 1 }, maximumWords: 30 }).words.join(' ')
 */
export function generate(model: NgramModel, options: GenerateOptions): Generated {
  const { choice, maximumWords, prefix = [] } = options
  if (!(maximumWords >= 0)) throw new NgramError(`at most ${maximumWords} words make no sentence`)
  let state = model.start()
  for (const word of prefix) state = model.score(state, word).state
  const start: Hypothesis = { state, words: [], log10Prob: 0, isEnded: false }
  const end =
    choice.method === 'beam'
      ? beam(model, start, choice.width, maximumWords)
      : walk(model, start, choice, maximumWords)
  const words = end.words.filter(word => word !== SENTENCE_END).map(word => model.vocabulary.word(word))
  return { words: [...prefix, ...words], log10Prob: end.log10Prob, isEnded: end.isEnded }
}

/** log10 p of every word; -∞ for what isn't generated (`<s>`, `<unk>`). */
export function distribution(model: NgramModel, state: NgramState): Float64Array {
  const log10Probs = new Float64Array(model.vocabulary.size)
  const next = model.empty()
  for (let word = 0; word < log10Probs.length; word++) log10Probs[word] = model.advance(state, word, next)
  log10Probs[SENTENCE_START] = Number.NEGATIVE_INFINITY
  log10Probs[UNKNOWN] = Number.NEGATIVE_INFINITY
  return log10Probs
}

function walk(
  model: NgramModel,
  start: Hypothesis,
  choice: Exclude<Choice, { method: 'beam' }>,
  maximumWords: number,
): Hypothesis {
  const random = choice.method === 'sample' ? seededRandom(choice.seed) : null
  const temperature = choice.method === 'sample' ? (choice.temperature ?? 1) : 1
  const topK = choice.method === 'sample' ? choice.topK : undefined
  if (!(temperature > 0))
    throw new NgramError('the temperature must be above 0; for the likeliest words use argmax')
  if (topK !== undefined && !(topK >= 1)) throw new NgramError('topK must be at least 1')
  let hypothesis = start
  while (!hypothesis.isEnded && hypothesis.words.length < maximumWords) {
    const log10Probs = distribution(model, hypothesis.state)
    const word = random ? draw(log10Probs, random(), temperature, topK) : best(log10Probs, 1)[0]!
    hypothesis = extended(model, hypothesis, word)
  }
  return hypothesis
}

function beam(model: NgramModel, start: Hypothesis, width: number, maximumWords: number): Hypothesis {
  if (!(Number.isInteger(width) && width >= 1)) throw new NgramError(`a beam of ${width} holds nothing`)
  let hypotheses = [start]
  for (let length = 0; length < maximumWords && hypotheses.some(({ isEnded }) => !isEnded); length++) {
    const candidates = hypotheses.flatMap(hypothesis => {
      if (hypothesis.isEnded) return [hypothesis]
      return best(distribution(model, hypothesis.state), width).map(word => extended(model, hypothesis, word))
    })
    hypotheses = candidates.sort((one, other) => other.log10Prob - one.log10Prob).slice(0, width)
  }
  return hypotheses[0]!
}

function extended(model: NgramModel, { state, words, log10Prob }: Hypothesis, word: number): Hypothesis {
  const next = model.empty()
  const gained = model.advance(state, word, next)
  return {
    state: next,
    words: [...words, word],
    log10Prob: log10Prob + gained,
    isEnded: word === SENTENCE_END,
  }
}

/** The `count` likeliest, the first of equals first. */
function best(log10Probs: Float64Array, count: number): number[] {
  const found: number[] = []
  for (let word = 0; word < log10Probs.length; word++) {
    if (found.length === count && !(log10Probs[word]! > log10Probs[found[count - 1]!]!)) continue
    let place = found.length
    while (place > 0 && log10Probs[word]! > log10Probs[found[place - 1]!]!) place--
    found.splice(place, 0, word)
    if (found.length > count) found.pop()
  }
  return found
}

function draw(
  log10Probs: Float64Array,
  random: number,
  temperature: number,
  topK: number | undefined,
): number {
  const words = topK === undefined ? [...log10Probs.keys()] : best(log10Probs, topK)
  const weights = words.map(word => 10 ** (log10Probs[word]! / temperature))
  let rest = random * weights.reduce((sum, weight) => sum + weight, 0)
  let last = words[0]!
  for (let index = 0; index < words.length; index++) {
    if (weights[index] === 0) continue
    last = words[index]!
    rest -= weights[index]!
    if (rest < 0) break
  }
  return last
}
