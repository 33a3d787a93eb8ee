/** From logits to a token: what one sequence remembers, and the choice itself. */
import { argmax } from './argmax.ts'
import { Candidates } from './candidates.ts'
import { applyMask, type TokenConstraint } from './constraint.ts'
import { type Logprobs, logprobsOf } from './logprobs.ts'
import type { SamplingOptions } from './options.ts'
import { applyPenalties } from './penalties.ts'
import { type Random, randomSeed, seededRandom } from './random.ts'

/** A token that was chosen; `logprobs` where the request asked for them. */
export interface SampledToken {
  readonly id: number
  readonly logprobs: Logprobs | null
}

/** What one sequence brings to each choice: options, random numbers, what it may say, the tokens it has had. */
export class SamplingState {
  readonly options: SamplingOptions
  readonly random: Random
  readonly constraint: TokenConstraint | null
  readonly seen: Set<number>
  readonly counts = new Map<number, number>()

  /**
   * @param promptIds counted by the repetition penalty
   * @param constraint at the beginning of an answer, and this sequence's alone
   */
  constructor(
    options: SamplingOptions,
    promptIds: Iterable<number>,
    constraint: TokenConstraint | null = null,
  ) {
    this.options = options
    this.constraint = constraint
    this.random = seededRandom(options.seed ?? randomSeed())
    this.seen = new Set(options.repetitionPenalty === 1 ? [] : promptIds)
  }

  /** Remembers a token of the answer. */
  add(id: number): void {
    this.constraint?.accept(id)
    this.seen.add(id)
    this.counts.set(id, (this.counts.get(id) ?? 0) + 1)
  }
}

/** Chooses tokens; its working memory is shared by all sequences, which hold their own `SamplingState`. */
export class Sampler {
  readonly #candidates: Candidates

  constructor(vocabularySize: number) {
    this.#candidates = new Candidates(vocabularySize)
  }

  /**
   * Chooses the next token and remembers it in `state`. One random number is drawn a token, whatever the
   * options, so that the n-th token of a seed doesn't depend on how others were chosen.
   * @param logits [vocabulary] f32; changed in place
   * @throws RangeError when the logits hold no finite number; ApiError from the constraint
   */
  sample(logits: Float32Array, state: SamplingState): SampledToken {
    const { options } = state
    const draw = options.temperature > 0 ? state.random() : 0
    const raw = options.topLogprobs !== null && changesLogits(state) ? logits.slice() : logits
    applyPenalties(logits, state, options)
    // Last: no bias brings back what would break the grammar.
    if (state.constraint !== null) applyMask(logits, state.constraint.mask())
    const id = options.temperature > 0 ? this.#draw(logits, options, draw) : argmax(logits)
    state.add(id)
    return { id, logprobs: options.topLogprobs === null ? null : logprobsOf(raw, id, options.topLogprobs) }
  }

  #draw(logits: Float32Array, options: SamplingOptions, share: number): number {
    this.#candidates.select(logits, options)
    return this.#candidates.pick(share)
  }
}

function changesLogits({ options, constraint }: SamplingState): boolean {
  return (
    constraint !== null ||
    options.repetitionPenalty !== 1 ||
    options.frequencyPenalty !== 0 ||
    options.presencePenalty !== 0 ||
    options.logitBias.size > 0
  )
}
