/**
 * Which slot a sequence gets. Pure, as the scheduler that it is part of; whose turn it is: see priority.ts.
 *
 * - Prefix reuse: a slot keeps its keys and values after its sequence has left; a prompt that begins the same
 *   takes them over, in place or by a copy, which costs a hundredth of computing them.
 * - Neighbours: a batch is a range of slots, so sequences of one checkpoint are put side by side; what a slot
 *   holds for later moves out of their way, once, instead of being stepped over at every token.
 */
import type { SlotMove } from './plan.ts'
import { makeRoom } from './preemption.ts'
import { reusablePositions } from './prefix-cache.ts'
import { isLess, nextInTurn } from './priority.ts'
import type { SchedulerState, Slot } from './scheduler-state.ts'
import { heldBy, isPrefilling, type RunningSequence, type WaitingSequence } from './sequence.ts'

/**
 * Gives slots to waiting sequences; the moves must be made in their order before anything is computed. Who is
 * next and finds no room lets nobody pass: it would wait for ever while smaller ones come.
 */
export function admitAll(start: SchedulerState, nowMs: number): { state: SchedulerState; moves: SlotMove[] } {
  let state = start
  const moves: SlotMove[] = []
  let ready = state.waiting
  while (ready.length > 0) {
    const sequence = nextInTurn(state, ready, nowMs)
    ready = ready.filter(other => other !== sequence)
    if (isWorthWaiting(state, sequence)) continue
    const roomy = makeRoom(state, sequence, nowMs)
    if (roomy === null) break
    const place = moveBesideOthers(roomy, sequence, choosePlace(roomy, sequence))
    moves.push(...place.moves)
    state = admit(roomy, sequence, place)
  }
  return { state, moves }
}

/**
 * Whether a running sequence is just computing a prefix that this one could soon take over. Only those who came
 * earlier are waited for: nobody waits for ever.
 */
function isWorthWaiting(state: SchedulerState, waiting: WaitingSequence): boolean {
  const now = bestSource(state, waiting)?.positions ?? 0
  return state.running.some(sequence => {
    if (!isPrefilling(sequence) || sequence.arrival > waiting.arrival) return false
    const whole = { ...heldBy(sequence), length: sequence.prompt.ids.length }
    return reusablePositions(whole, waiting) - now >= state.config.minimumReuse
  })
}

/** Where a sequence goes, with how much of its prompt is there after the moves. */
interface Place {
  readonly slot: number
  readonly reused: number
  readonly moves: readonly SlotMove[]
  /** Slots whose content changes by the moves, the sequence's own aside. */
  readonly changed: readonly [slot: number, content: Slot][]
}

/** The slot that the contents of all slots speak for. */
function choosePlace(state: SchedulerState, sequence: WaitingSequence): Place {
  const source = bestSource(state, sequence)
  const spare = leastWorthKeeping(state)
  if (source === null) return { slot: spare, reused: 0, moves: [], changed: [] }
  const { slot, positions, held } = source
  // In place when little else is lost by it; otherwise the longer content stays and a copy begins elsewhere.
  const isFree = state.slots[slot]!.kind === 'free'
  if (slot === spare || (isFree && held - positions <= positions)) {
    return { slot, reused: positions, moves: [], changed: [] }
  }
  if (positions < state.config.minimumReuse) return { slot: spare, reused: 0, moves: [], changed: [] }
  const copy = { kind: 'copy', from: slot, to: spare, positions } as const
  return { slot: spare, reused: positions, moves: [copy], changed: [] }
}

/** Trades places with a free slot that is nearer to the sequences it will be batched with. */
function moveBesideOthers(state: SchedulerState, sequence: WaitingSequence, place: Place): Place {
  const company = state.running.filter(({ checkpoint }) => checkpoint === sequence.checkpoint)
  if (company.length === 0) return place
  const distance = (slot: number) => Math.min(...company.map(other => Math.abs(other.slot - slot)))
  const free = [...state.slots.keys()].filter(slot => state.slots[slot]!.kind === 'free')
  const near = free.reduce((best, slot) => (distance(slot) < distance(best) ? slot : best), place.slot)
  if (near === place.slot) return place

  const there = state.slots[near]!
  const heldThere = there.kind === 'free' ? (there.held?.length ?? 0) : 0
  const { slot: far, reused, moves } = place
  const moved: Omit<Place, 'moves'> = { slot: near, reused, changed: [[far, there]] }
  const copiedFrom = moves[0]?.from
  if (reused > 0 && copiedFrom === undefined) {
    // What it reuses is in the far slot, and what the near one holds goes there.
    const positions = Math.max(reused, heldThere)
    return { ...moved, moves: [{ kind: 'swap', from: far, to: near, positions }] }
  }
  const rescue: SlotMove[] =
    heldThere > 0 ? [{ kind: 'copy', from: near, to: far, positions: heldThere }] : []
  // A copy of the near slot's beginning is there already.
  if (copiedFrom === undefined || copiedFrom === near) return { ...moved, moves: rescue }
  return { ...moved, moves: [...rescue, { kind: 'copy', from: copiedFrom, to: near, positions: reused }] }
}

/** The slot that has most of a sequence. */
function bestSource(
  state: SchedulerState,
  sequence: WaitingSequence,
): { slot: number; positions: number; held: number } | null {
  let best: { slot: number; positions: number; held: number } | null = null
  state.slots.forEach((slot, index) => {
    const held = slot.kind === 'free' ? slot.held : heldBy(state.running.find(({ id }) => id === slot.by)!)
    if (held === null) return
    const positions = reusablePositions(held, sequence)
    if (positions > (best?.positions ?? 0)) best = { slot: index, positions, held: held.length }
  })
  return best
}

/** An empty slot, or the free one that was left longest ago. */
function leastWorthKeeping(state: SchedulerState): number {
  let best: { slot: number; rank: readonly number[] } | null = null
  for (const [index, slot] of state.slots.entries()) {
    if (slot.kind !== 'free') continue
    const rank = slot.held === null ? [0, index] : [1, slot.freedInStep, index]
    if (best === null || isLess(rank, best.rank)) best = { slot: index, rank }
  }
  if (best === null) throw new RangeError('No slot is free.')
  return best.slot
}

function admit(state: SchedulerState, sequence: WaitingSequence, place: Place): SchedulerState {
  const { slot, reused, changed } = place
  const running: RunningSequence = { ...sequence, slot, computed: reused, reused, drafted: 0, accepted: 0 }
  const slots = [...state.slots]
  for (const [other, content] of changed) slots[other] = content
  slots[slot] = { kind: 'taken', by: sequence.id }
  return {
    ...state,
    slots,
    admissions: state.admissions + 1,
    lastAdmission: new Map(state.lastAdmission).set(sequence.tenant, state.admissions + 1),
    waiting: state.waiting.filter(other => other !== sequence),
    running: [...state.running, running],
  }
}
