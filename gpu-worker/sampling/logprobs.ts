import { NEGLIGIBLE_NATS, negativeExp, STEPS_PER_NAT } from './negative-exp.ts'
import type { TokenLogprob } from './options.ts'

/** The log-probability of the token that was taken, and of the likeliest ones. */
export interface Logprobs {
  readonly logprob: number
  /** Descending; among equals the lower id first. */
  readonly top: readonly TokenLogprob[]
}

/**
 * Log-softmax of the raw logits, as OpenAI and vLLM report it: before temperature, penalties and bias.
 * @param logits [vocabulary] f32, as the model gave them
 * @param id the token that was taken
 * @param alternatives how many of the likeliest are listed
 */
export function logprobsOf(logits: Float32Array, id: number, alternatives: number): Logprobs {
  const logNormalizer = logSumExp(logits)
  return {
    logprob: logits[id]! - logNormalizer,
    top: likeliest(logits, alternatives).map(other => ({
      id: other,
      logprob: logits[other]! - logNormalizer,
    })),
  }
}

/** What is taken from a logit to make it a log-probability. @param logits [vocabulary] f32 */
export function logSumExp(logits: Float32Array): number {
  let max = Number.NEGATIVE_INFINITY
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!
    if (logit > max) max = logit
  }
  const least = max - NEGLIGIBLE_NATS
  let sum = 0
  for (let id = 0; id < logits.length; id++) {
    const logit = logits[id]!
    if (logit >= least) sum += negativeExp((max - logit) * STEPS_PER_NAT)
  }
  return max + Math.log(sum)
}

/** The ids of the `count` largest logits, descending: insertion into a short list, one pass. */
function likeliest(logits: Float32Array, count: number): number[] {
  if (count === 0) return []
  const ids: number[] = []
  for (let id = 0; id < logits.length; id++) {
    const value = logits[id]!
    if (ids.length === count) {
      if (!(value > logits[ids[count - 1]!]!)) continue
      ids.pop()
    }
    let place = ids.length
    while (place > 0 && logits[ids[place - 1]!]! < value) place--
    ids.splice(place, 0, id)
  }
  return ids
}
