/**
 * A world without weights in which the scheduler is tried: a "model" whose keys are hashes of everything before
 * them, so that a stale, shared or overwritten position is noticed by whoever reads it. A seed replays a run.
 */
import { type Random, seededRandom } from '../sampling/random.ts'
import type { Outcome, Plan, SlotMove } from './plan.ts'
import { cancel, createSchedulerState, hasWork, schedule, submit, update } from './scheduler.ts'
import type { SchedulerConfig, SchedulerState } from './scheduler-state.ts'
import type { NewSequence, SequenceEnd } from './sequence.ts'

/** What a simulated run came to. */
export interface SimulationReport {
  readonly submitted: number
  readonly refused: number
  readonly steps: number
  readonly reusedPositions: number
  readonly moves: Readonly<Record<SlotMove['kind'], number>>
  readonly ends: Readonly<Record<SequenceEnd | 'cancelled', number>>
}

/** A sequence that the world follows. */
interface Followed extends NewSequence {
  readonly received: number[]
  end: SequenceEnd | 'cancelled' | null
}

const VOCABULARY = 50
const TENANTS = ['a', 'b', 'c']

/**
 * Sends `requests` random sequences through a scheduler of random configuration.
 * @throws Error naming the seed, at the first broken promise
 */
export function simulate(seed: number, requests: number): SimulationReport {
  const world = new World(seed, requests)
  try {
    return world.run()
  } catch (error) {
    throw new Error(`Simulation of seed ${seed}, step ${world.steps}: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

class World {
  steps = 0
  readonly #random: Random
  readonly #requests: number
  readonly #config: SchedulerConfig
  readonly #failureRate: number
  readonly #cancelRate: number
  readonly #arrivalRate: number
  readonly #followed = new Map<string, Followed>()
  /** [slots][positions]: the key that is in memory */
  readonly #memory: number[][]
  #state: SchedulerState
  #submitted = 0
  #refused = 0
  #reusedPositions = 0
  readonly #moves = { copy: 0, swap: 0 }

  constructor(seed: number, requests: number) {
    this.#random = seededRandom(seed)
    this.#requests = requests
    const slots = 1 + this.#below(8)
    this.#config = {
      slots,
      slotCapacity: 8 + this.#below(40),
      maxWaiting: this.#below(20),
      prefillBudget: 3 + this.#below(12),
      prefillBudgetIdle: 3 + this.#below(40),
      minimumReuse: 1 + this.#below(6),
    }
    this.#failureRate = this.#random() < 0.5 ? 0 : 0.02
    this.#cancelRate = this.#random() < 0.5 ? 0 : 0.05
    this.#arrivalRate = 0.2 + this.#random() * 2
    this.#memory = Array.from({ length: slots }, () =>
      new Array<number>(this.#config.slotCapacity + 1).fill(-1),
    )
    this.#state = createSchedulerState(this.#config)
  }

  run(): SimulationReport {
    while (this.#submitted < this.#requests || hasWork(this.#state)) {
      this.#arrive()
      this.#step()
      this.#checkSlots()
      this.steps += 1
      if (this.steps > this.#requests * 200) throw new Error('It does not come to an end.')
    }
    const ends = { stop: 0, length: 0, failed: 0, expired: 0, cancelled: 0 }
    for (const { id, end } of this.#followed.values()) {
      if (end === null) throw new Error(`${id} never ended.`)
      ends[end] += 1
    }
    return {
      submitted: this.#submitted,
      refused: this.#refused,
      steps: this.steps,
      reusedPositions: this.#reusedPositions,
      moves: this.#moves,
      ends,
    }
  }

  #arrive(): void {
    for (let left = this.#arrivalRate; this.#random() < left; left--) {
      if (this.#submitted >= this.#requests) return
      const sequence = this.#randomSequence(`s${this.#submitted++}`)
      const state = submit(this.#state, sequence)
      if (state === null) {
        this.#refused += 1
      } else {
        this.#followed.set(sequence.id, sequence)
        this.#state = state
      }
    }
  }

  #step(): void {
    this.#cancelSome()
    const { state, plan, ended } = schedule(this.#state, this.steps)
    const known = new Set(this.#state.running.map(({ id }) => id))
    for (const { id, reused } of state.running) if (!known.has(id)) this.#reusedPositions += reused
    this.#state = state
    for (const { id, end } of ended) this.#end(id, end)
    this.#checkPlan(plan)
    const outcomes = this.#execute(plan)
    // Those who leave while their step is under way.
    this.#cancelSome()
    const updated = update(this.#state, plan, outcomes)
    this.#state = updated.state
    for (const [id, outcome] of outcomes) {
      const followed = this.#followed.get(id)!
      if (followed.end === null && outcome.kind === 'token') followed.received.push(outcome.token)
    }
    for (const { id, end } of updated.ended) this.#end(id, end)
  }

  /** As the model runner does: moves, then decodes with idle rows, then prefills. */
  #execute(plan: Plan): Map<string, Outcome> {
    const outcomes = new Map<string, Outcome>()
    for (const { kind, from, to, positions } of plan.moves) {
      const [source, target] = [this.#memory[from]!, this.#memory[to]!]
      const overwritten = target.slice(0, positions)
      target.splice(0, positions, ...source.slice(0, positions))
      if (kind === 'swap') source.splice(0, positions, ...overwritten)
      this.#moves[kind] += 1
    }
    if (plan.decodes.length > 0) {
      plan.slotLengths.forEach((length, slot) => {
        this.#memory[slot]![length] = -2 // garbage of an idle row; real rows overwrite it below
      })
    }
    for (const { id, slot, position, token } of plan.decodes) {
      const { received } = this.#followed.get(id)!
      if (received.at(-1) !== token) throw new Error(`${id} decodes ${token} after ${received.at(-1)}.`)
      outcomes.set(id, this.#compute(id, slot, position, 1, true))
    }
    for (const { id, slot, start, count, last } of plan.prefills) {
      outcomes.set(id, this.#compute(id, slot, start, count, last))
    }
    return outcomes
  }

  #compute(id: string, slot: number, start: number, count: number, gives: boolean): Outcome {
    const sequence = this.#followed.get(id)!
    const memory = this.#memory[slot]!
    if (start + count > this.#config.slotCapacity) throw new Error(`${id} runs out of its slot.`)
    const keys = keysOf(sequence, start + count)
    for (let position = 0; position < start; position++) {
      if (memory[position] !== keys[position]) throw new Error(`${id} reads a wrong key at ${position}.`)
    }
    if (this.#random() < this.#failureRate) {
      memory[start] = -3
      return { kind: 'failed' }
    }
    for (let position = start; position < start + count; position++) memory[position] = keys[position]!
    return gives ? { kind: 'token', token: keys.at(-1)! % VOCABULARY } : { kind: 'computed' }
  }

  #checkPlan(plan: Plan): void {
    const { prefillBudget, prefillBudgetIdle } = this.#config
    const budget = plan.decodes.length > 0 ? prefillBudget : prefillBudgetIdle
    const planned = plan.prefills.reduce((sum, { count }) => sum + count, 0)
    if (planned > budget) throw new Error(`${planned} prompt positions are over the budget of ${budget}.`)
    for (const { id, count } of plan.prefills) {
      const length = this.#followed.get(id)!.prompt.ids.length
      if (count < Math.min(2, length)) throw new Error(`${id} has a chunk of ${count}.`)
    }
    if (hasWork(this.#state) && plan.decodes.length + planned === 0) throw new Error('Work is left undone.')
  }

  #checkSlots(): void {
    const { running, slots } = this.#state
    const taken = slots.flatMap((slot, index) => (slot.kind === 'taken' ? [`${index} ${slot.by}`] : []))
    const owned = running.map(({ slot, id }) => `${slot} ${id}`)
    if (taken.toSorted().join() !== owned.toSorted().join())
      throw new Error(`Slots ${taken} are not those of ${owned}.`)
  }

  #cancelSome(): void {
    for (const { id } of [...this.#state.running, ...this.#state.waiting]) {
      if (this.#random() >= this.#cancelRate) continue
      this.#state = cancel(this.#state, id)
      this.#end(id, 'cancelled')
    }
  }

  #end(id: string, end: SequenceEnd | 'cancelled'): void {
    const sequence = this.#followed.get(id)!
    if (sequence.end !== null) throw new Error(`${id} ended ${sequence.end}, then ${end}.`)
    sequence.end = end
    const { received, maxTokens, stopIds } = sequence
    const stopped = received.some(token => stopIds.has(token))
    if (stopped !== (end === 'stop')) throw new Error(`${id} ended ${end} after ${received}.`)
    const full = sequence.prompt.ids.length + received.length > this.#config.slotCapacity
    if (end === 'length' && received.length !== maxTokens && !full) throw new Error(`${id} was cut.`)
    // The keys of a prompt and its answer follow from the prompt: what was received is what it must be.
    const keys = keysOf(sequence, sequence.prompt.ids.length + Math.max(0, received.length - 1))
    received.forEach((token, index) => {
      const expected = keys[sequence.prompt.ids.length - 1 + index]! % VOCABULARY
      if (token !== expected) throw new Error(`${id} got ${token} as token ${index}, not ${expected}.`)
    })
  }

  #randomSequence(id: string): Followed {
    const { slotCapacity } = this.#config
    const length = 1 + this.#below(slotCapacity)
    // Few prompts to choose from, cut and changed at random: prefixes in common of all lengths.
    const family = this.#below(4)
    const changedAt = this.#below(length * 2)
    const ids = Array.from({ length }, (_, position) =>
      position >= changedAt ? family + position + 7 : family + position,
    )
    const spanStart = this.#below(length * 3)
    const span = { start: spanStart, end: Math.min(length, spanStart + 5), contentHash: `h${this.#below(2)}` }
    const checkpoint = this.#below(3) === 0 ? 'tuned' : null
    const tenant = TENANTS[this.#below(TENANTS.length)]!
    return {
      id,
      tenant,
      checkpoint,
      prompt: {
        scope: `${tenant} ${checkpoint}`,
        ids,
        spans: spanStart < length ? [span] : [],
        shareable: this.#below(4) === 0 ? this.#below(length + 1) : length,
      },
      maxTokens: 1 + this.#below(12),
      stopIds: new Set([this.#below(VOCABULARY)]),
      deadlineMs: this.#below(3) === 0 ? this.steps + this.#below(30) : null,
      received: [],
      end: null,
    }
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit)
  }
}

/** The keys of the first `length` positions of a sequence: each a hash of all that it depends on. */
function keysOf({ prompt, received }: Followed, length: number): number[] {
  const keys: number[] = []
  let key = hash(0, prompt.scope)
  for (let position = 0; position < length; position++) {
    const promptLength = prompt.ids.length
    const id = position < promptLength ? prompt.ids[position]! : received[position - promptLength]!
    const span = prompt.spans.find(({ start, end }) => start <= position && position < end)
    // Embeddings that nobody vouches for are this sequence's own.
    const own = position >= prompt.shareable && position < promptLength ? prompt.ids.length : 0
    // Decoding rounds otherwise than prefill: its keys are no good in a prompt.
    const way = position < promptLength ? 'prefill' : 'decode'
    key = hash(key, `${way} ${id} ${span ? `${span.contentHash} ${position - span.start}` : ''} ${own}`)
    keys.push(key)
  }
  return keys
}

/** FNV-1a over the characters, begun with `seed`. */
function hash(seed: number, text: string): number {
  let value = seed ^ 0x811c9dc5
  for (let index = 0; index < text.length; index++) {
    value = Math.imul(value ^ text.charCodeAt(index), 0x01000193)
  }
  return value >>> 0
}
