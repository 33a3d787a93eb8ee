/**
 * Who is computed when. Pure: states go in and come out, time is an argument, nothing else is read or changed.
 *
 * - Continuous batching: every step takes whoever has a slot; a slot that a sequence leaves is given away in the
 *   next step.
 * - Chunked prefill: while others decode, a step computes at most `prefillBudget` prompt positions, so that
 *   their pause between two tokens has a bound (Sarathi-Serve, Agrawal et al. 2024).
 * - Whose turn it is: priority.ts. In which slot, and what is there already: admission.ts. For how many there is
 *   memory: memory.ts. Who has to give way: preemption.ts.
 */
import { admitAll } from './admission.ts'
import { draft } from './draft.ts'
import { cachedPositions, runningPositions, trimCached } from './memory.ts'
import type { DecodeRow, Outcome, Plan, PrefillChunk } from './plan.ts'
import { preemptForMemory } from './preemption.ts'
import { lastInTurn } from './priority.ts'
import type { SchedulerConfig, SchedulerState, Slot } from './scheduler-state.ts'
import {
  heldBy,
  isPrefilling,
  type NewSequence,
  type RunningSequence,
  type SequenceEnd,
  type WaitingSequence,
} from './sequence.ts'

/** A sequence that is over. */
export interface EndedSequence {
  readonly id: string
  readonly end: SequenceEnd
}

/**
 * A state in which nothing runs.
 * @throws RangeError when a bound is too small to get anywhere
 */
export function createSchedulerState(config: SchedulerConfig): SchedulerState {
  if (config.slots < 1 || Math.min(config.prefillBudget, config.prefillBudgetIdle) < 3) {
    throw new RangeError('The scheduler needs a slot, and prefill budgets of at least 3 positions.')
  }
  if (config.kvPositions < config.slotCapacity) {
    throw new RangeError(
      `Memory for ${config.kvPositions} positions doesn't hold one slot of ${config.slotCapacity}.`,
    )
  }
  const empty: Slot = { kind: 'free', held: null, freedInStep: -1 }
  return {
    config,
    step: 0,
    arrivals: 0,
    waiting: [],
    running: [],
    slots: Array.from({ length: config.slots }, () => empty),
    lastAdmission: new Map(),
    admissions: 0,
    preemptions: 0,
  }
}

/** Whether `schedule()` would have anything to do. */
export function hasWork(state: SchedulerState): boolean {
  return state.waiting.length > 0 || state.running.length > 0
}

/**
 * Queues a sequence; `shed()` keeps the queue's bound.
 * @param nowMs in the same time as the sequence's deadlines
 * @throws RangeError when the sequence can never run, or its id is taken
 */
export function submit(state: SchedulerState, sequence: NewSequence, nowMs: number): SchedulerState {
  const { config, waiting, running } = state
  const promptLength = sequence.prompt.ids.length
  const known = promptLength + sequence.tokens.length
  if (promptLength < 1 || known > config.slotCapacity || sequence.maxTokens <= sequence.tokens.length) {
    throw new RangeError(
      `${known} known positions and ${sequence.maxTokens} tokens don't fit a slot of ${config.slotCapacity}.`,
    )
  }
  if ([...waiting, ...running].some(other => other.id === sequence.id)) {
    throw new RangeError(`A sequence ${sequence.id} is under way already.`)
  }
  const fresh = { arrival: state.arrivals, submittedMs: nowMs, preemptions: 0 }
  const isKnown = state.lastAdmission.has(sequence.tenant)
  return {
    ...state,
    arrivals: state.arrivals + 1,
    waiting: [...waiting, { ...sequence, ...fresh }],
    lastAdmission: isKnown
      ? state.lastAdmission
      : new Map(state.lastAdmission).set(sequence.tenant, state.admissions),
  }
}

/**
 * Refuses who is last in turn while more wait than may; who a slot is free for doesn't count. That need not be who
 * came last: one tenant's many, or the less urgent, don't keep others out.
 */
export function shed(
  state: SchedulerState,
  nowMs: number,
): { state: SchedulerState; ended: EndedSequence[] } {
  const { config, waiting, running } = state
  const last =
    waiting.length > config.maxWaiting + config.slots - running.length ? lastInTurn(state, nowMs) : null
  if (last === null) return { state, ended: [] }
  const rest = shed(cancel(state, last.id), nowMs)
  return { state: rest.state, ended: [{ id: last.id, end: 'refused' }, ...rest.ended] }
}

/** Forgets a sequence, wherever it is; its slot is free at once. An unknown id changes nothing. */
export function cancel(state: SchedulerState, id: string): SchedulerState {
  const { waiting } = state
  const isWaiting = waiting.some(sequence => sequence.id === id)
  return isWaiting
    ? withoutTenants({ ...state, waiting: waiting.filter(sequence => sequence.id !== id) })
    : withoutRunning(state, id)
}

/**
 * Ends who is too late, preempts who has to give way, gives free slots away, and plans one step.
 * @param nowMs in the same time as the sequences' deadlines
 */
export function schedule(
  state: SchedulerState,
  nowMs: number,
): { state: SchedulerState; plan: Plan; ended: EndedSequence[] } {
  const { state: inTime, ended } = expire(state, nowMs)
  const { state: admitted, moves } = admitAll(preemptForMemory(inTime, nowMs), nowMs)
  const ready = trimCached(admitted)
  const plan: Plan = {
    moves,
    decodes: planDecodes(ready),
    prefills: planPrefills(ready),
    slotLengths: slotLengths(ready),
  }
  return { state: ready, plan, ended }
}

/**
 * Takes in what became of a plan. Outcomes of sequences that were cancelled meanwhile are ignored; sequences
 * without an outcome stay as they are.
 */
export function update(
  state: SchedulerState,
  plan: Plan,
  outcomes: ReadonlyMap<string, Outcome>,
): { state: SchedulerState; ended: EndedSequence[] } {
  const chunks = new Map(plan.prefills.map(chunk => [chunk.id, chunk]))
  const rows = new Map(plan.decodes.map(row => [row.id, row]))
  const ended: EndedSequence[] = []
  let next: SchedulerState = {
    ...state,
    step: state.step + 1,
    running: state.running.map(sequence =>
      advance(sequence, outcomes.get(sequence.id), chunks.get(sequence.id), rows.get(sequence.id)),
    ),
  }
  for (const sequence of next.running) {
    const end = endOf(sequence, outcomes.get(sequence.id), state.config)
    if (end === null) continue
    ended.push({ id: sequence.id, end })
    next = withoutRunning(next, sequence.id)
  }
  return { state: next, ended }
}

function expire(state: SchedulerState, nowMs: number): { state: SchedulerState; ended: EndedSequence[] } {
  const isOver = (timeMs: number | null) => timeMs !== null && timeMs <= nowMs
  const isUnserved = ({ preemptions, admitByMs }: WaitingSequence) => preemptions === 0 && isOver(admitByMs)
  const ended: EndedSequence[] = []
  for (const { id, deadlineMs } of [...state.waiting, ...state.running]) {
    if (isOver(deadlineMs)) ended.push({ id, end: 'expired' })
  }
  for (const sequence of state.waiting) {
    if (isUnserved(sequence) && !isOver(sequence.deadlineMs)) {
      ended.push({ id: sequence.id, end: 'queue-timeout' })
    }
  }
  return { state: ended.reduce((next, { id }) => cancel(next, id), state), ended }
}

function advance(
  sequence: RunningSequence,
  outcome: Outcome | undefined,
  chunk: PrefillChunk | undefined,
  row: DecodeRow | undefined,
): RunningSequence {
  if (outcome === undefined || outcome.kind === 'failed') return sequence
  if (outcome.kind === 'computed') return { ...sequence, computed: sequence.computed + (chunk?.count ?? 1) }
  const { tokens } = outcome
  return {
    ...sequence,
    // The last one that was sampled is still to go in.
    computed: sequence.computed + (chunk?.count ?? tokens.length),
    tokens: [...sequence.tokens, ...tokens],
    drafted: sequence.drafted + (row?.drafts.length ?? 0),
    accepted: sequence.accepted + tokens.length - 1,
  }
}

function endOf(
  sequence: RunningSequence,
  outcome: Outcome | undefined,
  config: SchedulerConfig,
): SequenceEnd | null {
  if (outcome?.kind === 'failed') return 'failed'
  if (outcome?.kind !== 'tokens') return null
  if (sequence.stopIds.has(outcome.tokens.at(-1)!)) return 'stop'
  const full = sequence.computed >= config.slotCapacity
  return full || sequence.tokens.length >= sequence.maxTokens ? 'length' : null
}

function withoutRunning(state: SchedulerState, id: string): SchedulerState {
  const leaving = state.running.find(sequence => sequence.id === id)
  if (leaving === undefined) return state
  // Nobody but its family can use its answer.
  const isAlone = leaving.family === leaving.id
  const length = isAlone ? Math.min(leaving.computed, leaving.prompt.ids.length) : leaving.computed
  const held = length > 0 ? { ...heldBy(leaving), length } : null
  return withoutTenants({
    ...state,
    running: state.running.filter(sequence => sequence !== leaving),
    slots: state.slots.with(leaving.slot, { kind: 'free', held, freedInStep: state.step }),
  })
}

/** Forgets tenants that have no sequence left. */
function withoutTenants(state: SchedulerState): SchedulerState {
  const known = new Set([...state.waiting, ...state.running].map(({ tenant }) => tenant))
  if (known.size === state.lastAdmission.size) return state
  return {
    ...state,
    lastAdmission: new Map([...state.lastAdmission].filter(([tenant]) => known.has(tenant))),
  }
}

// The plan

function planDecodes(state: SchedulerState): DecodeRow[] {
  const isAlone = state.running.length === 1
  return state.running
    .filter(sequence => !isPrefilling(sequence))
    .map(sequence => {
      const { id, checkpoint, slot, computed, prompt, tokens } = sequence
      const index = computed - prompt.ids.length
      const samples = index === tokens.length - 1
      return {
        id,
        checkpoint,
        slot,
        token: tokens[index]!,
        position: computed,
        samples,
        drafts: isAlone && samples ? draft(sequence, roomForDrafts(state, sequence)) : [],
      }
    })
    .sort((a, b) => a.slot - b.slot)
}

/** Neither the answer nor the memory may outgrow its bounds if all come true. */
function roomForDrafts(state: SchedulerState, { computed, tokens, maxTokens }: RunningSequence): number {
  const { maxDrafts, slotCapacity, kvPositions } = state.config
  const free = kvPositions - runningPositions(state) - cachedPositions(state)
  return Math.min(maxDrafts, maxTokens - tokens.length - 1, slotCapacity - computed - 1, free)
}

/**
 * Chunks within the budget, first come first served. None is of one position (but a prompt of one): attention
 * takes another kernel there, and the sum's last bits would depend on who else was computed.
 */
function planPrefills(state: SchedulerState): PrefillChunk[] {
  const { prefillBudget, prefillBudgetIdle } = state.config
  const prefilling = state.running.filter(isPrefilling)
  const anyDecoding = prefilling.length < state.running.length
  let budget = anyDecoding ? prefillBudget : prefillBudgetIdle
  const chunks: PrefillChunk[] = []
  for (const { id, checkpoint, slot, computed, prompt, tokens } of prefilling) {
    const left = prompt.ids.length - computed
    let count = Math.min(left, budget)
    if (left - count === 1) count -= 1
    if (count < Math.min(2, left)) break
    budget -= count
    chunks.push({
      id,
      checkpoint,
      slot,
      start: computed,
      count,
      samples: count === left && tokens.length === 0,
    })
  }
  return chunks
}

function slotLengths(state: SchedulerState): number[] {
  const computed = new Map(state.running.map(sequence => [sequence.slot, sequence.computed]))
  return state.slots.map((slot, index) =>
    slot.kind === 'taken' ? computed.get(index)! : (slot.held?.length ?? 0),
  )
}
