/** What restricts the choice of each token of one answer, such as a grammar; its state follows the tokens chosen. */
export interface TokenConstraint {
  /**
   * Which tokens may come next: bit i % 32 of word i / 32; those past its end may not. Valid until the next call.
   * @throws ApiError when that can't be told
   */
  mask(): Uint32Array
  /** The token that was chosen, one of those allowed. */
  accept(id: number): void
  /** Gives its memory back; it isn't used any more. */
  release(): void
}

const ALL = 0xffff_ffff

/** Leaves a chance only to the tokens that `mask` allows. @param logits [vocabulary] f32, changed in place */
export function applyMask(logits: Float32Array, mask: Uint32Array): void {
  for (let word = 0; word < mask.length; word++) {
    const bits = mask[word]!
    if (bits === ALL) continue
    const first = word * 32
    if (bits === 0) {
      logits.fill(Number.NEGATIVE_INFINITY, first, first + 32)
      continue
    }
    const count = Math.min(32, logits.length - first)
    for (let bit = 0; bit < count; bit++) {
      if (((bits >>> bit) & 1) === 0) logits[first + bit] = Number.NEGATIVE_INFINITY
    }
  }
  logits.fill(Number.NEGATIVE_INFINITY, mask.length * 32)
}
