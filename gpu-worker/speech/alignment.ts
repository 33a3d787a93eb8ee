/**
 * When each token was said, from where the decoder looked while it said it: dynamic time warping over the attention
 * of the alignment heads. Source: openai/whisper `timing.py`, `find_alignment`.
 */

/** Width of the median filter over time, positions. */
const MEDIAN_WIDTH = 7

/**
 * @param attention weights of the alignment heads, [heads, rows, positions] f32
 * @param firstRow the row that predicts the first token; the last row, of the end of text, is left out
 * @param realPositions positions that hold audio; what lies behind them isn't looked at
 * @returns for each row from `firstRow` on, the position at which its token begins
 */
export function alignTokens(
  attention: Float32Array,
  [heads, rows, positions]: readonly [number, number, number],
  firstRow: number,
  realPositions: number,
): Int32Array {
  const width = Math.min(positions, realPositions)
  const count = rows - 1 - firstRow
  const cost = new Float64Array(count * width)
  const head = new Float64Array(rows * width)
  const filtered = new Float64Array(width)
  for (let h = 0; h < heads; h++) {
    for (let row = 0; row < rows; row++) {
      const from = (h * rows + row) * positions
      let sum = 0
      for (let t = 0; t < width; t++) sum += attention[from + t]!
      for (let t = 0; t < width; t++) head[row * width + t] = attention[from + t]! / sum
    }
    standardizeColumns(head, rows, width)
    for (let row = 0; row < count; row++) {
      medianFilter(head.subarray((firstRow + row) * width, (firstRow + row + 1) * width), filtered)
      for (let t = 0; t < width; t++) cost[row * width + t]! -= filtered[t]! / heads
    }
  }
  return warp(cost, count, width)
}

/** Each column to mean 0 and standard deviation 1 over the rows. */
function standardizeColumns(values: Float64Array, rows: number, width: number): void {
  for (let t = 0; t < width; t++) {
    let mean = 0
    for (let row = 0; row < rows; row++) mean += values[row * width + t]!
    mean /= rows
    let variance = 0
    for (let row = 0; row < rows; row++) variance += (values[row * width + t]! - mean) ** 2
    const deviation = Math.sqrt(variance / rows) || 1
    for (let row = 0; row < rows; row++) {
      const at = row * width + t
      values[at] = (values[at]! - mean) / deviation
    }
  }
}

/** The median of `MEDIAN_WIDTH` neighbours, the signal reflected at its ends; copied where it is shorter than that. */
function medianFilter(values: Float64Array, result: Float64Array): void {
  const { length } = values
  const half = MEDIAN_WIDTH >> 1
  if (length <= half) {
    result.set(values)
    return
  }
  const sorted = new Float64Array(MEDIAN_WIDTH)
  for (let t = 0; t < length; t++) {
    for (let k = 0; k < MEDIAN_WIDTH; k++) {
      let at = t + k - half
      if (at < 0) at = -at
      if (at >= length) at = 2 * (length - 1) - at
      // Insertion into the few that are there.
      const value = values[at]!
      let place = k
      while (place > 0 && sorted[place - 1]! > value) {
        sorted[place] = sorted[place - 1]!
        place--
      }
      sorted[place] = value
    }
    result[t] = sorted[half]!
  }
}

/** The cheapest monotonous path through cost [rows, width]; the position at which it enters each row. */
function warp(cost: Float64Array, rows: number, width: number): Int32Array {
  const stride = width + 1
  const total = new Float64Array((rows + 1) * stride).fill(Number.POSITIVE_INFINITY)
  // 0: from the row and position before, 1: from the row before, 2: from the position before.
  const trace = new Uint8Array((rows + 1) * stride)
  total[0] = 0
  for (let t = 1; t <= width; t++) {
    for (let row = 1; row <= rows; row++) {
      const at = row * stride + t
      const diagonal = total[at - stride - 1]!
      const above = total[at - stride]!
      const left = total[at - 1]!
      let best = left
      let step = 2
      if (diagonal < above && diagonal < left) {
        best = diagonal
        step = 0
      } else if (above < diagonal && above < left) {
        best = above
        step = 1
      }
      total[at] = cost[(row - 1) * width + t - 1]! + best
      trace[at] = step
    }
  }
  const entered = new Int32Array(rows)
  let row = rows
  let t = width
  while (row > 0) {
    entered[row - 1] = Math.max(0, t - 1)
    const step = t === 0 ? 1 : trace[row * stride + t]!
    if (step !== 2) row--
    if (step !== 1) t--
  }
  return entered
}
