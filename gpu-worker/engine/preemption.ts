/**
 * Who has to give its slot back, and when. Pure, as the scheduler that it is part of.
 *
 * A preempted sequence waits again, at the place that its arrival and age give it. It keeps its answer so far, and
 * what its slot holds stays there until the room is needed; the rest is computed again, the prompt in chunks and
 * the answer token by token, as it was the first time: what follows is the same to the last bit.
 */
import { hasRoomFor, runningPositions } from './memory.ts'
import { firstToYield, urgency } from './priority.ts'
import type { SchedulerState } from './scheduler-state.ts'
import { heldBy, PRIORITIES, type RunningSequence, type WaitingSequence } from './sequence.ts'

/**
 * Preempts until the claims of those that run fit the memory. The most urgent never yields, and one sequence
 * always fits: somebody gets on.
 */
export function preemptForMemory(start: SchedulerState, nowMs: number): SchedulerState {
  let state = start
  while (runningPositions(state) > state.config.kvPositions) {
    state = preempt(state, firstToYield(state, state.running, nowMs))
  }
  return state
}

/**
 * A slot and room in memory for a sequence that is about to be admitted. One of high priority takes them from
 * those of low priority that haven't aged: who yields is young, so nobody does for ever.
 * @returns the new state, or `null` when it has to wait
 */
export function makeRoom(
  start: SchedulerState,
  sequence: WaitingSequence,
  nowMs: number,
): SchedulerState | null {
  let state = start
  const lowest = PRIORITIES.length - 1
  let yielding =
    sequence.priority === 'high' ? state.running.filter(other => urgency(state, other, nowMs) === lowest) : []
  while (state.running.length >= state.config.slots || !hasRoomFor(state, sequence)) {
    if (yielding.length === 0) return null
    const victim = firstToYield(state, yielding, nowMs)
    yielding = yielding.filter(other => other !== victim)
    state = preempt(state, victim)
  }
  return state
}

function preempt(state: SchedulerState, sequence: RunningSequence): SchedulerState {
  const { slot, computed, reused: _, ...waiting } = sequence
  const held = computed > 0 ? heldBy(sequence) : null
  return {
    ...state,
    preemptions: state.preemptions + 1,
    running: state.running.filter(other => other !== sequence),
    waiting: [...state.waiting, { ...waiting, preemptions: sequence.preemptions + 1 }],
    slots: state.slots.with(slot, { kind: 'free', held, freedInStep: state.step }),
  }
}
