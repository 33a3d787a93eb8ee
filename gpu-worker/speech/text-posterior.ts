/** Differences to the best logit below which a piece adds nothing to the sum: e^-25 times 50,257 is 7e-7. */
const NEGLIGIBLE = -25

/**
 * The most probable of the first `count` ids under their softmax.
 *
 * @param logits [vocabulary] f32
 * @param count ids from this one on don't take part
 * @param top how many to give
 * @returns ids and probabilities, the best first; the probabilities sum to at most 1
 */
export function textPosterior(
  logits: Float32Array,
  count: number,
  top: number,
): { ids: number[]; probabilities: number[] } {
  // Insertion into a short sorted list: nearly every logit is refused by the first comparison.
  const ids: number[] = []
  const best: number[] = []
  let worst = Number.NEGATIVE_INFINITY
  for (let id = 0; id < count; id++) {
    const logit = logits[id]!
    if (logit <= worst) continue
    let at = best.length
    while (at > 0 && best[at - 1]! < logit) at--
    best.splice(at, 0, logit)
    ids.splice(at, 0, id)
    if (best.length > top) {
      best.pop()
      ids.pop()
    }
    if (best.length === top) worst = best[top - 1]!
  }
  const max = best[0]!
  let sum = 0
  for (let id = 0; id < count; id++) {
    const difference = logits[id]! - max
    if (difference > NEGLIGIBLE) sum += Math.exp(difference)
  }
  return { ids, probabilities: best.map(logit => Math.exp(logit - max) / sum) }
}
