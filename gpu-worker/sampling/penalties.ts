import type { SamplingOptions } from './options.ts'

/** Which tokens a sequence has had. */
export interface TokenHistory {
  /** Every id of the prompt and of the answer. */
  readonly seen: ReadonlySet<number>
  /** How often the answer has each of its ids. */
  readonly counts: ReadonlyMap<number, number>
}

/**
 * Changes the logits in place by what the sequence has said and what the request wants, in this order:
 * repetition penalty (Keskar et al. 2019, over prompt and answer), frequency and presence penalty (OpenAI, over
 * the answer), logit bias last, so that it can ban or force whatever the others say.
 * @param logits [vocabulary] f32; ids past its end (placeholders of audio) are skipped
 */
export function applyPenalties(logits: Float32Array, history: TokenHistory, options: SamplingOptions): void {
  const { repetitionPenalty, frequencyPenalty, presencePenalty, logitBias } = options
  if (repetitionPenalty !== 1) {
    for (const id of history.seen) {
      const logit = logits[id]
      if (logit === undefined) continue
      logits[id] = logit > 0 ? logit / repetitionPenalty : logit * repetitionPenalty
    }
  }
  if (frequencyPenalty !== 0 || presencePenalty !== 0) {
    for (const [id, count] of history.counts) {
      const logit = logits[id]
      if (logit !== undefined) logits[id] = logit - count * frequencyPenalty - presencePenalty
    }
  }
  for (const [id, bias] of logitBias) {
    const logit = logits[id]
    if (logit !== undefined) logits[id] = logit + bias
  }
}
