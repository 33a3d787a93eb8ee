/** Several models as one: linear interpolation, with weights found on held-out text by expectation maximisation. */
import type { LanguageModel, Scored } from './language-model.ts'
import { NgramError } from './ngram-error.ts'
import { SENTENCE_END, SPECIAL_WORDS, UNKNOWN } from './vocabulary.ts'

/** One model of a mixture. States of different models differ, so they are opaque here. */
export interface Component {
  readonly model: LanguageModel<unknown>
  /** Its share; those of a mixture sum to 1. */
  readonly weight: number
}

/** A component with what it takes to be fair to words it doesn't know. */
interface FairComponent extends Component {
  /** log10 of 1 / how many words of the mixture share its `<unk>`. */
  readonly log10UnknownShare: number
}

/**
 * p(w | h) = Σ weight · p_i(w | h). The words are those of all models; where a model lacks some, they and `<unk>`
 * share its probability of `<unk>`, so that the mixture sums to 1.
 */
export class MixtureModel implements LanguageModel<readonly unknown[]> {
  readonly words: ReadonlySet<string>
  readonly #components: readonly FairComponent[]

  /** @throws NgramError for no models, or weights that aren't shares of 1 */
  constructor(components: readonly Component[]) {
    if (components.length === 0) throw new NgramError('a mixture needs at least one model')
    const sum = components.reduce((total, { weight }) => total + weight, 0)
    if (components.some(({ weight }) => !(weight >= 0)) || Math.abs(sum - 1) > 1e-6) {
      throw new NgramError(
        `the weights must sum to 1, not ${components.map(({ weight }) => weight).join(' + ')}`,
      )
    }
    const words = new Set<string>()
    const sizes = components.map(({ model }) => {
      let size = 0
      for (const word of model.words) {
        words.add(word)
        size++
      }
      return size
    })
    this.words = words
    this.#components = components.map((component, index) => ({
      ...component,
      log10UnknownShare: -Math.log10(words.size - sizes[index]! + 1),
    }))
  }

  start(): readonly unknown[] {
    return this.#components.map(({ model }) => model.start())
  }

  empty(): readonly unknown[] {
    return this.#components.map(({ model }) => model.empty())
  }

  score(states: readonly unknown[], word: string): Scored<readonly unknown[]> {
    let prob = 0
    let isUnknown = true
    const next = this.#components.map(({ model, weight, log10UnknownShare }, index) => {
      const scored = model.score(states[index], word)
      prob += weight * 10 ** (scored.log10Prob + (scored.isUnknown ? log10UnknownShare : 0))
      isUnknown &&= scored.isUnknown
      return scored.state
    })
    return { log10Prob: Math.log10(prob), state: next, isUnknown }
  }

  key(states: readonly unknown[]): string {
    return this.#components.map(({ model }, index) => model.key(states[index])).join('|')
  }
}

/** What the search for weights came to. */
export interface MixtureWeights {
  /** In the order of the models; they sum to 1. */
  readonly weights: readonly number[]
  /** Of the held-out text under the mixture, over words that some model knows. */
  readonly perplexity: number
  readonly iterations: number
}

/**
 * The weights under which held-out text is most probable. Start equal; each round gives every model the share of the
 * words that it explains; the text's probability rises each time, to the only maximum.
 * @param sentences held out: not in any model's training, or that model takes all
 * @throws NgramError for no models or no words
 */
export async function estimateWeights(
  models: readonly LanguageModel<unknown>[],
  sentences: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
  { maximumIterations = 200, tolerance = 1e-7 } = {},
): Promise<MixtureWeights> {
  const rows = await probabilities(models, sentences)
  const count = rows.length / models.length
  if (!(count > 0)) throw new NgramError('there is no held-out text to find weights on')
  let weights = models.map(() => 1 / models.length)
  let logLikelihood = Number.NEGATIVE_INFINITY
  let iterations = 0
  while (iterations < maximumIterations) {
    iterations++
    const shares = models.map(() => 0)
    let sum = 0
    for (let row = 0; row < rows.length; row += models.length) {
      let prob = 0
      for (let index = 0; index < models.length; index++) prob += weights[index]! * rows[row + index]!
      for (let index = 0; index < models.length; index++) {
        shares[index]! += (weights[index]! * rows[row + index]!) / prob
      }
      sum += Math.log(prob)
    }
    const gain = (sum - logLikelihood) / count
    logLikelihood = sum
    if (gain < tolerance) break
    weights = shares.map(share => share / count)
  }
  return { weights, perplexity: Math.exp(-logLikelihood / count), iterations }
}

/** [tokens, models]: each model's probability of each word that some model knows. */
async function probabilities(
  models: readonly LanguageModel<unknown>[],
  sentences: AsyncIterable<readonly string[]> | Iterable<readonly string[]>,
): Promise<number[]> {
  // Each alone, as it counts in the mixture (a share of its `<unk>` for words that it lacks).
  const alone = models.map(
    (_, index) =>
      new MixtureModel(models.map((model, other) => ({ model, weight: other === index ? 1 : 0 }))),
  )
  const rows: number[] = []
  for await (const words of sentences) {
    let states = alone.map(model => model.start())
    for (const word of [...words, SPECIAL_WORDS[SENTENCE_END]]) {
      const scored = alone.map((model, index) => model.score(states[index]!, word))
      states = scored.map(({ state }) => state)
      const isUnknown = word === SPECIAL_WORDS[UNKNOWN] || scored.every(score => score.isUnknown)
      if (!isUnknown) for (const { log10Prob } of scored) rows.push(10 ** log10Prob)
    }
  }
  return rows
}
