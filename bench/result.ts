/** The line that a measurement ends in, held against its goal. */

/** One number, and what a peer did in the same run. */
export interface Measurement {
  /** The bench's name, with `/what` where it measures more than one thing: the key in goals.json. */
  readonly bench: string
  readonly value: number
  readonly unit: string
  /** null where there is nothing to compare with. */
  readonly peer: { readonly name: string; readonly value: number } | null
}

/** What is printed: one JSON line a measurement. */
export interface ResultLine {
  bench: string
  value: number
  unit: string
  peer: string | null
  peerValue: number | null
  /** value / peerValue */
  ratio: number | null
  /** e.g. `ratio <= 0.5`; null where none is set */
  goal: string | null
  pass: boolean | null
}

/**
 * @param goals by name, from goals.json
 * @throws Error when the goal isn't `value|ratio <=|>= number`, or is a ratio without a peer
 */
export function toResultLine(measurement: Measurement, goals: Readonly<Record<string, string>>): ResultLine {
  const { bench, value, unit, peer } = measurement
  const ratio = peer && value / peer.value
  const goal = goals[bench] ?? null
  return {
    bench,
    value: round(value),
    unit,
    peer: peer?.name ?? null,
    peerValue: peer && round(peer.value),
    ratio: ratio === null ? null : round(ratio),
    goal,
    pass: goal === null ? null : isReached(goal, { value, ratio }),
  }
}

function isReached(goal: string, { value, ratio }: { value: number; ratio: number | null }): boolean {
  const [, subject, comparison, bound] = /^(value|ratio) (<=|>=) (\d+(?:\.\d+)?)$/.exec(goal) ?? []
  if (bound === undefined) throw new Error(`goals.json: '${goal}' isn't of the form 'ratio <= 0.5'`)
  const number = subject === 'ratio' ? ratio : value
  if (number === null) throw new Error(`goals.json: '${goal}' needs a peer`)
  return comparison === '<=' ? number <= Number(bound) : number >= Number(bound)
}

/** Four significant digits: more than any of these measurements has. */
function round(value: number): number {
  return Number(value.toPrecision(4))
}
