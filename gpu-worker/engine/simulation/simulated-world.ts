/** A world without weights in which the scheduler is tried: whatever can happen to it happens, at random. */
import { type Random, seededRandom } from '../../sampling/random.ts'
import { cachedPositions, runningPositions } from '../memory.ts'
import type { DecodeRow, Outcome, Plan, SlotMove } from '../plan.ts'
import { isFresh } from '../priority.ts'
import { cancel, createSchedulerState, hasWork, schedule, shed, submit, update } from '../scheduler.ts'
import type { SchedulerConfig, SchedulerState } from '../scheduler-state.ts'
import type { SequenceEnd } from '../sequence.ts'
import { SimulatedMemory } from './simulated-memory.ts'
import {
  randomFork,
  randomSequence,
  type SequenceRanges,
  type SimulatedSequence,
  tokenAfter,
} from './simulated-sequence.ts'

/** What a simulated run came to. */
export interface SimulationReport {
  readonly submitted: number
  readonly steps: number
  readonly reusedPositions: number
  /** Those that went on behind a given answer, beside those submitted. */
  readonly forks: number
  /** Tokens of answers that were computed once more, or given. */
  readonly replayedTokens: number
  /** Tokens that had been guessed. */
  readonly draftedTokens: number
  readonly preemptions: number
  /** The longest that a sequence waited, as a part of what it may. */
  readonly longestWait: number
  readonly moves: Readonly<Record<SlotMove['kind'], number>>
  readonly ends: Readonly<Record<SequenceEnd | 'cancelled', number>>
}

/** Those that are under way at a time. */
const MOST_FORKS = 6

/** @see file comment; a step takes a millisecond */
export class SimulatedWorld {
  steps = 0
  readonly #random: Random
  readonly #requests: number
  readonly #config: SchedulerConfig
  readonly #ranges: SequenceRanges
  readonly #failureRate: number
  readonly #cancelRate: number
  readonly #arrivalRate: number
  /** Those that haven't ended. */
  readonly #alive = new Map<string, SimulatedSequence>()
  readonly #memory: SimulatedMemory
  readonly #moves = { copy: 0, swap: 0 }
  readonly #ends = { stop: 0, length: 0, failed: 0, expired: 0, 'queue-timeout': 0, refused: 0, cancelled: 0 }
  readonly #patience: number
  #forks = 0
  #state: SchedulerState
  #submitted = 0
  #reusedPositions = 0
  #replayedTokens = 0
  #drafted = 0
  #longestWait = 0

  constructor(seed: number, requests: number) {
    this.#random = seededRandom(seed)
    this.#requests = requests
    const slots = 1 + this.#below(8)
    const slotCapacity = 8 + this.#below(this.#oneOf(40, 120))
    this.#config = {
      slots,
      slotCapacity,
      kvPositions: slotCapacity + this.#below(this.#oneOf(1, slots) * slotCapacity),
      maxWaiting: this.#below(20),
      prefillBudget: 3 + this.#below(12),
      prefillBudgetIdle: 3 + this.#below(40),
      growthReserve: this.#below(this.#oneOf(1, 16)),
      maxDrafts: this.#oneOf(0, 3),
      minimumReuse: 1 + this.#below(6),
      agingMs: 1 + this.#below(this.#oneOf(20, 200)),
    }
    this.#ranges = {
      promptLength: this.#oneOf(slotCapacity, Math.ceil(slotCapacity / 3)),
      maxTokens: this.#oneOf(12, slotCapacity),
      urgentRate: this.#oneOf(0.1, 0.3, 0.9),
      forkRate: this.#oneOf(0, 0.1, 0.5),
    }
    this.#failureRate = this.#oneOf(0, 0.002, 0.02)
    this.#cancelRate = this.#oneOf(0, 0.002, 0.05)
    // From half to three times what it can do.
    const { promptLength, maxTokens } = this.#ranges
    const stepsOfOne = promptLength / 2 / this.#config.prefillBudget + maxTokens / 2 / slots
    this.#arrivalRate = (0.5 + this.#random() * 2.5) / stepsOfOne
    this.#patience = patience(this.#config, this.#ranges)
    this.#memory = new SimulatedMemory(slots, slotCapacity)
    this.#state = createSchedulerState(this.#config)
  }

  /** @throws Error at the first broken promise */
  run(): SimulationReport {
    while (this.#submitted < this.#requests || hasWork(this.#state)) {
      this.#arrive()
      this.#step()
      this.#checkState()
      this.steps += 1
    }
    for (const id of this.#alive.keys()) throw new Error(`${id} never ended.`)
    return {
      submitted: this.#submitted,
      steps: this.steps,
      forks: this.#forks,
      reusedPositions: this.#reusedPositions,
      replayedTokens: this.#replayedTokens,
      draftedTokens: this.#drafted,
      preemptions: this.#state.preemptions,
      longestWait: this.#longestWait,
      moves: this.#moves,
      ends: this.#ends,
    }
  }

  #arrive(): void {
    for (let left = this.#arrivalRate; this.#random() < left; left--) {
      if (this.#submitted >= this.#requests) return
      const id = `s${this.#submitted++}`
      const sequence = randomSequence(id, this.steps, this.#random, this.#ranges)
      this.#submit(sequence)
      if (sequence.family !== id) this.#fork(sequence)
    }
    const { config, waiting, running } = this.#state
    const fresh = waiting.filter(isFresh)
    if (fresh.length > config.maxWaiting + config.slots - running.length) {
      throw new Error(`${fresh.length} are waiting for ${config.maxWaiting} places.`)
    }
  }

  #submit(sequence: SimulatedSequence): void {
    this.#alive.set(sequence.id, sequence)
    const { state, ended } = shed(submit(this.#state, sequence, this.steps), this.steps)
    this.#state = state
    for (const refused of ended) this.#end(refused.id, refused.end)
  }

  #fork(sequence: SimulatedSequence): void {
    for (let left = this.#below(MOST_FORKS); left > 0; left--) {
      const others = [...this.#alive.values()].filter(({ tokens }) => tokens.length > 0)
      const fork = randomFork(`${sequence.id}/${left}`, sequence, this.#random, this.#ranges)
      const known = fork.prompt.ids.length + fork.tokens.length
      if (others.length >= MOST_FORKS || known > this.#config.slotCapacity) continue
      this.#forks += 1
      this.#submit(fork)
    }
  }

  #step(): void {
    this.#cancelSome()
    const before = new Set(this.#state.running.map(({ id }) => id))
    const { state, plan, ended } = schedule(this.#state, this.steps)
    this.#state = state
    for (const { id, reused } of state.running) if (!before.has(id)) this.#reusedPositions += reused
    for (const { id, end } of ended) this.#end(id, end)
    this.#checkPlan(plan)
    const outcomes = this.#execute(plan)
    // Those who leave while their step is under way.
    this.#cancelSome()
    const updated = update(this.#state, plan, outcomes)
    this.#state = updated.state
    for (const [id, outcome] of outcomes) {
      if (outcome.kind === 'tokens') this.#alive.get(id)?.received.push(...outcome.tokens)
    }
    for (const { id, end } of updated.ended) this.#end(id, end)
  }

  /** As the model runner does: moves, then decodes with idle rows, then prefills. */
  #execute(plan: Plan): Map<string, Outcome> {
    const outcomes = new Map<string, Outcome>()
    for (const move of plan.moves) {
      this.#memory.move(move)
      this.#moves[move.kind] += 1
    }
    this.#memory.keep(plan.slotLengths)
    if (plan.decodes.length > 0) {
      for (const [slot, length] of plan.slotLengths.entries()) this.#memory.break(slot, length)
    }
    for (const row of plan.decodes) {
      const { id, position, token, samples } = row
      const { received, prompt } = this.#alive.get(id)!
      const index = position - prompt.ids.length
      if (received[index] !== token) throw new Error(`${id} decodes ${token} after ${received}.`)
      if (samples !== (index === received.length - 1)) throw new Error(`${id} samples ${index} again.`)
      if (!samples) this.#replayedTokens += 1
      outcomes.set(id, this.#decode(row))
    }
    for (const { id, slot, start, count, samples } of plan.prefills) {
      outcomes.set(id, this.#compute(id, slot, start, count, samples))
    }
    return outcomes
  }

  /** A row, and behind it what its drafts would be: garbage from the first one on that doesn't come true. */
  #decode({ id, slot, position, samples, drafts }: DecodeRow): Outcome {
    const outcome = this.#compute(id, slot, position, 1, samples)
    if (outcome.kind !== 'tokens') return outcome
    for (const index of drafts.keys()) this.#memory.break(slot, position + 1 + index)
    const tokens = [...outcome.tokens]
    const { received, keys, ...rest } = this.#alive.get(id)!
    const ahead: SimulatedSequence = { ...rest, received: [...received, ...tokens], keys: [...keys] }
    for (const [index, draft] of drafts.entries()) {
      if (draft !== tokens.at(-1) || ahead.stopIds.has(draft)) break
      const next = position + 1 + index
      this.#memory.compute(ahead, slot, next, 1)
      tokens.push(tokenAfter(ahead, next))
      ahead.received.push(tokens.at(-1)!)
      this.#drafted += 1
    }
    return { kind: 'tokens', tokens }
  }

  #compute(id: string, slot: number, start: number, count: number, samples: boolean): Outcome {
    const sequence = this.#alive.get(id)!
    const end = start + count
    if (end > this.#config.slotCapacity) throw new Error(`${id} runs out of its slot.`)
    if (this.#random() < this.#failureRate) {
      this.#memory.break(slot, start)
      return { kind: 'failed' }
    }
    this.#memory.compute(sequence, slot, start, count)
    return samples ? { kind: 'tokens', tokens: [tokenAfter(sequence, end - 1)] } : { kind: 'computed' }
  }

  #checkPlan(plan: Plan): void {
    const { prefillBudget, prefillBudgetIdle, kvPositions } = this.#config
    const budget = plan.decodes.length > 0 ? prefillBudget : prefillBudgetIdle
    const planned = plan.prefills.reduce((sum, { count }) => sum + count, 0)
    if (planned > budget) throw new Error(`${planned} prompt positions are over the budget of ${budget}.`)
    for (const { id, count } of plan.prefills) {
      const length = this.#alive.get(id)!.prompt.ids.length
      if (count < Math.min(2, length)) throw new Error(`${id} has a chunk of ${count}.`)
    }
    if (hasWork(this.#state) && plan.decodes.length + planned === 0) throw new Error('Work is left undone.')
    const held = plan.slotLengths.reduce((sum, length) => sum + length, 0)
    const drafts = plan.decodes.reduce((sum, row) => sum + row.drafts.length, 0)
    if (drafts > 0 && this.#state.running.length > 1) throw new Error('Drafts take time from others.')
    const after = held + plan.decodes.length + drafts + planned
    if (after > kvPositions) throw new Error(`${after} positions are more than ${kvPositions}.`)
    const claimed = runningPositions(this.#state) + cachedPositions(this.#state)
    if (claimed > kvPositions) throw new Error(`${claimed} positions are claimed of ${kvPositions}.`)
  }

  #checkState(): void {
    const { running, waiting, slots } = this.#state
    const taken = slots.flatMap((slot, index) => (slot.kind === 'taken' ? [`${index} ${slot.by}`] : []))
    const owned = running.map(({ slot, id }) => `${slot} ${id}`)
    if (taken.toSorted().join() !== owned.toSorted().join())
      throw new Error(`Slots ${taken} are not those of ${owned}.`)
    if (running.length + waiting.length !== this.#alive.size) throw new Error('Somebody is lost.')
    for (const { id, tokens, deadlineMs, submittedMs } of [...running, ...waiting]) {
      const { received } = this.#alive.get(id)!
      if (tokens.join() !== received.join()) throw new Error(`${id} has ${received}, not ${tokens}.`)
      if (deadlineMs !== null && deadlineMs <= this.steps) throw new Error(`${id} outlives its deadline.`)
      const waited = (this.steps - submittedMs) / this.#patience
      this.#longestWait = Math.max(this.#longestWait, waited)
      if (waited > 1) throw new Error(`${id} is starved: ${this.steps - submittedMs} steps.`)
    }
  }

  #cancelSome(): void {
    if (this.#cancelRate === 0) return
    for (const { id } of [...this.#state.running, ...this.#state.waiting]) {
      if (this.#random() >= this.#cancelRate) continue
      this.#state = cancel(this.#state, id)
      this.#end(id, 'cancelled')
    }
  }

  #end(id: string, end: SequenceEnd | 'cancelled'): void {
    const sequence = this.#alive.get(id)
    if (sequence === undefined) throw new Error(`${id} ended ${end} after its end.`)
    this.#alive.delete(id)
    this.#ends[end] += 1
    const { received, tokens, maxTokens, stopIds, prompt, admitByMs, deadlineMs } = sequence
    const stopped = received.slice(tokens.length).some(token => stopIds.has(token))
    if (stopped !== (end === 'stop')) throw new Error(`${id} ended ${end} after ${received}.`)
    const full = prompt.ids.length + received.length > this.#config.slotCapacity
    if (end === 'length' && received.length !== maxTokens && !full) throw new Error(`${id} was cut.`)
    if (end === 'expired' && !(deadlineMs! <= this.steps)) throw new Error(`${id} expired early.`)
    const unserved = received.length === 0 && admitByMs! <= this.steps
    if (end === 'queue-timeout' && !unserved) throw new Error(`${id} was served, and timed out.`)
    if (end === 'refused' && received.length > 0) throw new Error(`${id} was served, and refused.`)
    // What was received is what it must be: the keys of a prompt and its answer follow from the prompt.
    const alone: SimulatedSequence = { ...sequence, keys: [] }
    received.forEach((token, index) => {
      if (index < tokens.length) return
      const expected = tokenAfter(alone, prompt.ids.length - 1 + index)
      if (token !== expected) throw new Error(`${id} got ${token} as token ${index}, not ${expected}.`)
    })
  }

  #oneOf<T>(...choices: readonly T[]): T {
    return choices[this.#below(choices.length)]!
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

/**
 * Steps after which a sequence is surely over, were nobody ever passed over: it ages, all that was there before
 * gets through one after the other, and then itself.
 */
function patience(config: SchedulerConfig, { maxTokens }: SequenceRanges): number {
  const { slots, slotCapacity, maxWaiting, prefillBudget, prefillBudgetIdle, agingMs } = config
  const chunk = Math.min(prefillBudget, prefillBudgetIdle) - 1
  const alone = Math.ceil(slotCapacity / chunk) + maxTokens
  return 2 * agingMs + (maxWaiting + slots + MOST_FORKS + 1) * alone
}
