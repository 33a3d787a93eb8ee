import { NEGLIGIBLE_NATS, negativeExp, STEPS, STEPS_PER_NAT } from './negative-exp.ts'
import type { SamplingOptions } from './options.ts'

/** Which tokens may be drawn, and how likely each is: the filters that transformers calls logits warpers. */
export type CandidateFilters = Pick<SamplingOptions, 'temperature' | 'topK' | 'topP' | 'minP'>

/**
 * Selects the tokens that top-k, top-p and min-p leave, in that order (as transformers does), in time linear in
 * the vocabulary: tokens are counted in buckets of a 64th of a nat, and only the bucket that holds the border is
 * sorted. Tokens of negligible odds (e^-40 of the likeliest's) are left out from the start.
 *
 * Reused from token to token; its arrays are valid until the next `select()`.
 */
export class Candidates {
  /** How many of the arrays' elements are candidates. */
  count = 0
  /** The sum of their odds. */
  total = 0
  /** Their ids, ascending. */
  readonly ids: Int32Array
  /** Their odds against the likeliest token: exp((logit - max) / temperature), in (0, 1]. */
  readonly odds: Float64Array
  readonly #bucketOf: Uint16Array
  readonly #bucketCounts = new Uint32Array(STEPS)
  readonly #bucketOdds = new Float64Array(STEPS)

  constructor(vocabularySize: number) {
    this.ids = new Int32Array(vocabularySize)
    this.odds = new Float64Array(vocabularySize)
    this.#bucketOf = new Uint16Array(vocabularySize)
  }

  /**
   * @param logits [vocabulary] f32
   * @param filters with a temperature above 0
   * @throws RangeError when the logits have no finite maximum: the model's output is broken
   */
  select(logits: Float32Array, { temperature, topK, topP, minP }: CandidateFilters): void {
    this.#fill(logits, temperature)
    if (topK !== null && topK < this.count) this.#keepLikeliest(logits, topK, Number.POSITIVE_INFINITY)
    if (topP < 1) this.#keepLikeliest(logits, Number.POSITIVE_INFINITY, topP * this.total)
    if (minP > 0) this.#keepWhere(index => this.odds[index]! >= minP)
  }

  /** The candidate at which the running sum of odds passes `share` (in [0, 1)) of all. */
  pick(share: number): number {
    let left = share * this.total
    for (let index = 0; index < this.count; index++) {
      left -= this.odds[index]!
      if (left < 0) return this.ids[index]!
    }
    // Rounding can leave a hair.
    return this.ids[this.count - 1]!
  }

  #fill(logits: Float32Array, temperature: number): void {
    let max = Number.NEGATIVE_INFINITY
    for (let id = 0; id < logits.length; id++) {
      const logit = logits[id]!
      if (logit > max) max = logit
    }
    if (!Number.isFinite(max)) throw new RangeError('The logits have no finite maximum.')
    this.#bucketCounts.fill(0)
    this.#bucketOdds.fill(0)
    const least = max - NEGLIGIBLE_NATS * temperature
    const stepsPerLogit = STEPS_PER_NAT / temperature
    let count = 0
    let total = 0
    for (let id = 0; id < logits.length; id++) {
      const logit = logits[id]!
      if (!(logit >= least)) continue
      // Rounding could put one at the very edge a step too far.
      const steps = Math.min(STEPS - 1, (max - logit) * stepsPerLogit)
      const odds = negativeExp(steps)
      const bucket = steps | 0
      this.ids[count] = id
      this.odds[count] = odds
      this.#bucketOf[count] = bucket
      this.#bucketCounts[bucket]! += 1
      this.#bucketOdds[bucket]! += odds
      total += odds
      count++
    }
    this.count = count
    this.total = total
  }

  /** Keeps the likeliest until there are `limit` of them or their odds add up to `enough`, at least one. */
  #keepLikeliest(logits: Float32Array, limit: number, enough: number): void {
    let kept = 0
    let keptOdds = 0
    let border = 0
    while (border < STEPS - 1) {
      const count = this.#bucketCounts[border]!
      const odds = this.#bucketOdds[border]!
      if (kept + count >= limit || keptOdds + odds >= enough) break
      kept += count
      keptOdds += odds
      border++
    }

    const atBorder: number[] = []
    for (let index = 0; index < this.count; index++) {
      if (this.#bucketOf[index] === border) atBorder.push(index)
    }
    atBorder.sort((a, b) => logits[this.ids[b]!]! - logits[this.ids[a]!]! || a - b)
    const keptAtBorder = new Set<number>()
    for (const index of atBorder) {
      if (kept > 0 && (kept >= limit || keptOdds >= enough)) break
      keptAtBorder.add(index)
      kept++
      keptOdds += this.odds[index]!
    }
    this.#keepWhere((index, bucket) => bucket < border || (bucket === border && keptAtBorder.has(index)))
  }

  /** Moves those who stay to the front, and forgets the others everywhere. */
  #keepWhere(keep: (index: number, bucket: number) => boolean): void {
    let kept = 0
    let total = 0
    for (let index = 0; index < this.count; index++) {
      const bucket = this.#bucketOf[index]!
      const odds = this.odds[index]!
      if (!keep(index, bucket)) {
        this.#bucketCounts[bucket]! -= 1
        this.#bucketOdds[bucket]! -= odds
        continue
      }
      this.ids[kept] = this.ids[index]!
      this.odds[kept] = odds
      this.#bucketOf[kept] = bucket
      total += odds
      kept++
    }
    this.count = kept
    this.total = total
  }
}
