/**
 * The memory of the simulation: a key a position, so that a stale, shared or overwritten one is noticed by whoever
 * reads it. What has no worth is made worthless: pages behind a slot's length are as good as given back.
 */
import type { SlotMove } from '../plan.ts'
import { keyAt, type SimulatedSequence } from './simulated-sequence.ts'

const NOTHING = -1
const BROKEN = -2

/** @see file comment */
export class SimulatedMemory {
  /** [slots][positions] */
  readonly #keys: number[][]

  constructor(slots: number, slotCapacity: number) {
    // One position more than a sequence may use, for the garbage of idle rows.
    this.#keys = Array.from({ length: slots }, () => new Array<number>(slotCapacity + 1).fill(NOTHING))
  }

  move({ kind, from, to, positions }: SlotMove): void {
    const [source, target] = [this.#keys[from]!, this.#keys[to]!]
    const overwritten = target.slice(0, positions)
    target.splice(0, positions, ...source.slice(0, positions))
    if (kind === 'swap') source.splice(0, positions, ...overwritten)
  }

  /** Forgets what lies behind the length of each slot. */
  keep(slotLengths: readonly number[]): void {
    for (const [slot, length] of slotLengths.entries()) this.#keys[slot]!.fill(NOTHING, length)
  }

  /**
   * Computes positions of a sequence, which reads all those before them.
   * @throws Error when one of these isn't what it must be
   */
  compute(sequence: SimulatedSequence, slot: number, start: number, count: number): void {
    const keys = this.#keys[slot]!
    for (let position = 0; position < start; position++) {
      if (keys[position] !== keyAt(sequence, position)) {
        throw new Error(`${sequence.id} reads a wrong key at ${position}.`)
      }
    }
    for (let position = start; position < start + count; position++) {
      keys[position] = keyAt(sequence, position)
    }
  }

  /** What a run that fails leaves. */
  break(slot: number, start: number): void {
    this.#keys[slot]![start] = BROKEN
  }
}
