/**
 * Whose keys and values there is room for, counted in positions. Pure, as the scheduler that it is part of.
 *
 * A running sequence has a claim on all its known positions, computed or not, so a prompt that was admitted can
 * always be finished; its answer's growth is not claimed beforehand. What the slots keep for later has no claim:
 * it is cut, from the end, as soon as the room is needed.
 */
import type { SchedulerState, Slot } from './scheduler-state.ts'
import { demandOf, type WaitingSequence } from './sequence.ts'

/** Positions that running sequences have a claim on. */
export function runningPositions({ running }: SchedulerState): number {
  return running.reduce((sum, sequence) => sum + demandOf(sequence), 0)
}

/** Positions that free slots keep for later. */
export function cachedPositions({ slots }: SchedulerState): number {
  return slots.reduce((sum, slot) => sum + cachedIn(slot), 0)
}

/** Whether a sequence can begin beside those that run, all of them growing for a while. */
export function hasRoomFor(state: SchedulerState, sequence: WaitingSequence): boolean {
  const { kvPositions, slotCapacity, growthReserve } = state.config
  const soon = (other: WaitingSequence) =>
    Math.min(demandOf(other) + growthReserve, other.prompt.ids.length + other.maxTokens, slotCapacity)
  return state.running.reduce((sum, other) => sum + soon(other), soon(sequence)) <= kvPositions
}

/** Cuts what free slots keep to what the running sequences leave room for; who left longest ago loses first. */
export function trimCached(state: SchedulerState): SchedulerState {
  let excess = runningPositions(state) + cachedPositions(state) - state.config.kvPositions
  if (excess <= 0) return state
  const oldestFirst = state.slots
    .flatMap((slot, index) => (slot.kind === 'free' && slot.held !== null ? [{ ...slot, index }] : []))
    .sort((a, b) => a.freedInStep - b.freedInStep)
  const slots = [...state.slots]
  for (const { index, held, freedInStep } of oldestFirst) {
    const length = Math.max(0, held!.length - excess)
    excess -= held!.length - length
    slots[index] = { kind: 'free', held: length > 0 ? { ...held!, length } : null, freedInStep }
    if (excess <= 0) break
  }
  return { ...state, slots }
}

function cachedIn(slot: Slot): number {
  return slot.kind === 'free' ? (slot.held?.length ?? 0) : 0
}
