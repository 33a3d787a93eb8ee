/**
 * The index of the largest value; of the first, where several are equal.
 * @throws RangeError when there is no number in it: the model's output is broken
 */
export function argmax(values: Float32Array): number {
  let best = -1
  let bestValue = Number.NEGATIVE_INFINITY
  for (let index = 0; index < values.length; index++) {
    const value = values[index]!
    if (value > bestValue) {
      bestValue = value
      best = index
    }
  }
  if (best < 0) throw new RangeError('The logits hold no finite number.')
  return best
}
