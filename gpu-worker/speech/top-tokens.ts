/** The likeliest tokens of a row, in one pass; its arrays are used again and again. */
export class TopTokens {
  /** Best first; `count` of them hold. */
  readonly ids: Int32Array
  readonly values: Float32Array
  count = 0

  /** @param capacity most tokens that will be asked for */
  constructor(capacity: number) {
    this.ids = new Int32Array(capacity)
    this.values = new Float32Array(capacity)
  }

  /**
   * @param row [vocabulary] f32; minus infinity never counts
   * @param top how many, at most the capacity
   */
  collect(row: Float32Array, top: number): void {
    const { ids, values } = this
    let count = 0
    let worst = Number.NEGATIVE_INFINITY
    // Nearly every token is refused by the first comparison.
    for (let id = 0; id < row.length; id++) {
      const value = row[id]!
      if (value <= worst) continue
      let at = count < top ? count++ : top - 1
      while (at > 0 && values[at - 1]! < value) {
        values[at] = values[at - 1]!
        ids[at] = ids[at - 1]!
        at--
      }
      values[at] = value
      ids[at] = id
      if (count === top) worst = values[top - 1]!
    }
    this.count = count
  }
}
