import type { DecodeRow } from './plan.ts'

/** Slots that are decoded in one run: all from the first row's to the last row's, idle ones between included. */
export interface SlotRange {
  readonly first: number
  readonly count: number
  /** Ascending by slot; all of one checkpoint. */
  readonly rows: readonly DecodeRow[]
}

/**
 * What a run costs beside what must be computed anyway, in rows: measured on SmolLM2-135M in 8 bits, where one
 * row took 6.5 ms and eight took 15.5, and 2,000 positions of attention about as long as six rows.
 */
const RUN_COST = 4
const IDLE_ROW_COST = 1
const IDLE_POSITION_COST = 0.003

/**
 * Divides rows into runs: by checkpoint, then where the gap of idle slots costs more than another run.
 * @param rows ascending by slot
 * @param slotLengths [slots] positions that an idle row would attend to
 */
export function toSlotRanges(rows: readonly DecodeRow[], slotLengths: readonly number[]): SlotRange[] {
  const byCheckpoint = Map.groupBy(rows, row => row.checkpoint)
  return [...byCheckpoint.values()].flatMap(group => divide(group, slotLengths))
}

/** Gaps are independent of one another: a range is cut at each gap that costs more than a run. */
function divide(rows: readonly DecodeRow[], slotLengths: readonly number[]): SlotRange[] {
  const ranges: DecodeRow[][] = []
  let previous: DecodeRow | null = null
  for (const row of rows) {
    if (previous === null || gapCost(previous.slot, row.slot, slotLengths) > RUN_COST) ranges.push([])
    ranges.at(-1)!.push(row)
    previous = row
  }
  return ranges.map(range => ({
    first: range[0]!.slot,
    count: range.at(-1)!.slot - range[0]!.slot + 1,
    rows: range,
  }))
}

function gapCost(from: number, to: number, slotLengths: readonly number[]): number {
  let cost = 0
  for (let slot = from + 1; slot < to; slot++) {
    cost += IDLE_ROW_COST + IDLE_POSITION_COST * slotLengths[slot]!
  }
  return cost
}
