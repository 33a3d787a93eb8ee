import type { SamplingOptions } from './options.ts'

/** Which tokens may be drawn, and how likely each is: the filters that transformers calls logits warpers. */
export type CandidateFilters = Pick<SamplingOptions, 'temperature' | 'topK' | 'topP' | 'minP'>

/** A wider bucket has more to sort, more of them more to walk; 2,048 of 1/64 nat cover odds down to e^-32. */
const BUCKETS = 2048
const BUCKETS_PER_NAT = 64

/**
 * Selects the tokens that top-k, top-p and min-p leave, in that order (as transformers does), in time linear in
 * the vocabulary: only the bucket that holds the border is sorted. Reused from token to token; its arrays are
 * valid until the next `select()`.
 */
export class Candidates {
  /** How many of the arrays' elements are candidates. */
  count = 0
  /** Their ids, ascending. */
  readonly ids: Int32Array
  /** Their odds against the likeliest token: exp((logit - max) / temperature), in (0, 1]. */
  readonly odds: Float64Array
  /** (logit - max) / temperature, at most 0 */
  readonly #scaled: Float64Array
  readonly #bucketOf: Uint16Array
  readonly #bucketCounts = new Uint32Array(BUCKETS)
  readonly #bucketOdds = new Float64Array(BUCKETS)

  constructor(vocabularySize: number) {
    this.ids = new Int32Array(vocabularySize)
    this.odds = new Float64Array(vocabularySize)
    this.#scaled = new Float64Array(vocabularySize)
    this.#bucketOf = new Uint16Array(vocabularySize)
  }

  /**
   * @param logits [vocabulary] f32
   * @param filters with a temperature above 0
   */
  select(logits: Float32Array, { temperature, topK, topP, minP }: CandidateFilters): void {
    this.#scale(logits, temperature)
    if (topK !== null && topK < this.count) this.#keepLikeliest(topK, Number.POSITIVE_INFINITY)
    let total = 0
    for (let index = 0; index < this.count; index++) {
      const odds = Math.exp(this.#scaled[index]!)
      this.odds[index] = odds
      total += odds
    }
    if (topP < 1) this.#keepLikeliest(Number.POSITIVE_INFINITY, topP * total)
    if (minP > 0) this.#keepWhere(index => this.odds[index]! >= minP)
  }

  /** The candidate at which the running sum of odds passes `share` (in [0, 1)) of all. */
  pick(share: number): number {
    let total = 0
    for (let index = 0; index < this.count; index++) total += this.odds[index]!
    let left = share * total
    for (let index = 0; index < this.count; index++) {
      left -= this.odds[index]!
      if (left < 0) return this.ids[index]!
    }
    // Rounding can leave a hair: the last one that has any odds.
    let last = this.count - 1
    while (last > 0 && this.odds[last] === 0) last--
    return this.ids[last]!
  }

  #scale(logits: Float32Array, temperature: number): void {
    let max = Number.NEGATIVE_INFINITY
    for (let id = 0; id < logits.length; id++) if (logits[id]! > max) max = logits[id]!
    if (max === Number.NEGATIVE_INFINITY) throw new RangeError('The logits hold no finite number.')
    for (let id = 0; id < logits.length; id++) {
      this.ids[id] = id
      this.#scaled[id] = (logits[id]! - max) / temperature
    }
    this.count = logits.length
  }

  /** Keeps the likeliest until there are `limit` of them or their odds add up to `enough`, at least one. */
  #keepLikeliest(limit: number, enough: number): void {
    const byOdds = enough !== Number.POSITIVE_INFINITY
    this.#fillBuckets(byOdds)
    let kept = 0
    let keptOdds = 0
    let border = 0
    while (border < BUCKETS - 1) {
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
    atBorder.sort((a, b) => this.#scaled[b]! - this.#scaled[a]! || this.ids[a]! - this.ids[b]!)
    const keptAtBorder = new Set<number>()
    for (const index of atBorder) {
      if (kept > 0 && (kept >= limit || keptOdds >= enough)) break
      keptAtBorder.add(index)
      kept++
      if (byOdds) keptOdds += this.odds[index]!
    }
    this.#keepWhere(index => {
      const bucket = this.#bucketOf[index]!
      return bucket < border || (bucket === border && keptAtBorder.has(index))
    })
  }

  #fillBuckets(withOdds: boolean): void {
    this.#bucketCounts.fill(0)
    this.#bucketOdds.fill(0)
    for (let index = 0; index < this.count; index++) {
      const bucket = Math.min(BUCKETS - 1, Math.floor(-this.#scaled[index]! * BUCKETS_PER_NAT))
      this.#bucketOf[index] = bucket
      this.#bucketCounts[bucket]! += 1
      if (withOdds) this.#bucketOdds[bucket]! += this.odds[index]!
    }
  }

  #keepWhere(keep: (index: number) => boolean): void {
    let kept = 0
    for (let index = 0; index < this.count; index++) {
      if (!keep(index)) continue
      this.ids[kept] = this.ids[index]!
      this.odds[kept] = this.odds[index]!
      this.#scaled[kept] = this.#scaled[index]!
      kept++
    }
    this.count = kept
  }
}
