/**
 * What is known of the workers, and how it is kept fresh. Workers of a list are asked (`GET /readyz`) when what is known
 * of them is too old to rely on; workers that register are heard of through the directory. Plain data is kept from
 * request to request, never a promise: on Workers a request may not wait for the I/O of another.
 */
import type { Beat } from '../protocol/beat.ts'
import { BloomFilter } from '../protocol/bloom-filter.ts'
import { protocolVersion, WorkerReadiness } from '../protocol/health.ts'
import type { KnownWorker, WorkerAddress, WorkerState } from './choose.ts'
import { type Clock, timeoutSignal } from './clock.ts'
import type { Directory } from './directory.ts'
import type { HeardAudio } from './openai/heard-audio.ts'
import { probeUpstream } from './openai/probe.ts'
import type { WorkerFetch } from './worker-fetch.ts'

/** Ages in milliseconds at which a worker is asked again. */
export interface RegistryTiming {
  /** A ready worker is asked again in the background; the directory, too. */
  refreshAfterMs: number
  /** A ready worker isn't relied on until it has answered. */
  distrustAfterMs: number
  /** One that isn't ready is asked again by the next request. */
  recheckAfterMs: number
  /** One that doesn't answer for so long counts as unreachable. */
  probeTimeoutMs: number
}

/** Ages that suit workers on the same network. */
export const defaultTiming: RegistryTiming = {
  refreshAfterMs: 1_000,
  distrustAfterMs: 30_000,
  recheckAfterMs: 200,
  probeTimeoutMs: 2_000,
}

/** What a registry is made of. */
export interface RegistryOptions {
  /** The workers of the list; asked before each choice, so the list may change. */
  addresses: () => readonly WorkerAddress[]
  /** Workers that register, beside those of the list. */
  directory?: Directory
  fetch: WorkerFetch
  clock: Clock
  /** What servers that aren't ours were sent. */
  heard?: HeardAudio
  timing?: RegistryTiming
}

/** The states of all workers. */
export class WorkerRegistry {
  readonly #options: RegistryOptions
  readonly #timing: RegistryTiming
  /** What was found out by asking, or by failing to. */
  readonly #states = new Map<string, WorkerState>()
  /** When a worker was last asked, answered or not: keeps many requests from asking at once. */
  readonly #askedAtMs = new Map<string, number>()
  /** What was heard of those that register. */
  #heard = new Map<string, { address: WorkerAddress; state: WorkerState; heardAtMs: number }>()
  #lookedAtMs = Number.NEGATIVE_INFINITY
  /** The directory has answered, or failed to. */
  #hasLooked = false

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#timing = options.timing ?? defaultTiming
  }

  /** The workers and what is known of them now. A ready worker that is distrusted counts as unknown. */
  known(): KnownWorker[] {
    const now = this.#options.clock.now()
    const listed = this.#options.addresses().map(address => {
      const state = this.#states.get(keyOf(address)) ?? { kind: 'unknown' }
      const distrusted = state.kind === 'ready' && now - state.checkedAtMs > this.#timing.distrustAfterMs
      return { address, state: distrusted ? { kind: 'unknown' as const } : state }
    })
    const listedKeys = new Set(listed.map(({ address }) => keyOf(address)))
    const registered = [...this.#heard]
      .filter(
        ([key, { heardAtMs }]) => !listedKeys.has(key) && now - heardAtMs <= this.#timing.distrustAfterMs,
      )
      .map(([key, heard]) => ({ address: heard.address, state: this.#stateOfHeard(key, heard) }))
    return [...listed, ...registered]
  }

  /** Asks all workers whose state is due; resolves when they have answered or timed out. Never rejects. */
  async refresh(): Promise<void> {
    if (this.#isLookUpDue()) await this.#lookUp()
    const known = this.known()
    const keys = new Set(known.map(({ address }) => keyOf(address)))
    for (const key of this.#states.keys()) if (!keys.has(key)) this.#forget(key)
    await Promise.all(known.filter(worker => this.#isDue(worker)).map(({ address }) => this.#probe(address)))
  }

  /** True when something is known that is old enough to be asked again in the background. */
  isStale(): boolean {
    return this.#isLookUpDue() || this.known().some(worker => this.#isDue(worker))
  }

  /** True while another request waits for an answer without which nothing is known of some worker. */
  isLearning(): boolean {
    const isLooking = this.#options.directory !== undefined && !this.#hasLooked
    return isLooking || this.known().some(({ state }) => state.kind === 'unknown')
  }

  /** A request could not reach the worker: it isn't used until it has answered a probe. */
  markUnreachable(address: WorkerAddress): void {
    const checkedAtMs = this.#options.clock.now()
    const models = this.#modelsOf(address)
    this.#note(address, { kind: 'unreachable', models: models.length > 0 ? models : null, checkedAtMs })
  }

  /** A worker said that it takes no requests now. */
  markNotReady(address: WorkerAddress): void {
    const checkedAtMs = this.#options.clock.now()
    this.#note(address, { kind: 'not-ready', models: this.#modelsOf(address), checkedAtMs })
  }

  #note(address: WorkerAddress, state: WorkerState): void {
    this.#states.set(keyOf(address), state)
    this.#askedAtMs.set(keyOf(address), this.#options.clock.now())
  }

  #modelsOf(address: WorkerAddress): readonly string[] {
    const key = keyOf(address)
    const before = this.#states.get(key) ?? this.#heard.get(key)?.state
    return before !== undefined && 'models' in before ? (before.models ?? []) : []
  }

  /** A worker that beats but couldn't be reached is cut off from us alone: its beats don't bring it back, a probe does. */
  #stateOfHeard(key: string, heard: { state: WorkerState; heardAtMs: number }): WorkerState {
    const found = this.#states.get(key)
    if (found === undefined || found.kind === 'unknown') return heard.state
    const isNewer = found.checkedAtMs >= heard.heardAtMs
    return found.kind === 'unreachable' || isNewer ? found : heard.state
  }

  async #lookUp(): Promise<void> {
    const { directory, clock } = this.#options
    if (directory === undefined) return
    this.#lookedAtMs = clock.now()
    try {
      const beats = await directory.snapshot()
      const nowMs = clock.now()
      this.#heard = new Map(
        beats.map(({ beat, heardAgoMs }) => {
          const heardAtMs = nowMs - heardAgoMs
          return [
            keyOf(beat.worker),
            { address: beat.worker, state: stateOfBeat(beat, heardAtMs), heardAtMs },
          ]
        }),
      )
    } catch {
      // What was heard before stays true for a while; it is too old when it isn't.
    }
    this.#hasLooked = true
  }

  #isLookUpDue(): boolean {
    const { directory, clock } = this.#options
    if (directory === undefined) return false
    const isEmpty = this.#heard.size === 0
    const wait = isEmpty ? this.#timing.recheckAfterMs : this.#timing.refreshAfterMs
    return clock.now() - this.#lookedAtMs > wait
  }

  #forget(key: string): void {
    this.#states.delete(key)
    this.#askedAtMs.delete(key)
  }

  #isDue({ address, state }: KnownWorker): boolean {
    const key = keyOf(address)
    // Whoever beats needn't be asked, unless it couldn't be reached.
    if (this.#heard.has(key) && state.kind !== 'unreachable') return false
    const asked = this.#askedAtMs.get(key) ?? Number.NEGATIVE_INFINITY
    const ready = state.kind === 'ready'
    if (state.kind === 'unknown' && asked === Number.NEGATIVE_INFINITY) return true
    const wait = ready ? this.#timing.refreshAfterMs : this.#timing.recheckAfterMs
    return this.#options.clock.now() - asked > wait
  }

  async #probe(address: WorkerAddress): Promise<void> {
    const { clock } = this.#options
    const key = keyOf(address)
    this.#askedAtMs.set(key, clock.now())
    const timer = timeoutSignal(clock, this.#timing.probeTimeoutMs)
    try {
      this.#states.set(key, await this.#ask(address, timer.signal))
    } catch {
      // Refused, timed out, or not a worker: whichever it is, it can't be used now and is asked again soon.
      this.markUnreachable(address)
    } finally {
      timer.clear()
    }
  }

  async #ask({ id, url, openai }: WorkerAddress, signal: AbortSignal): Promise<WorkerState> {
    const { clock, fetch, heard } = this.#options
    if (openai === undefined) {
      const response = await fetch(`${url}/readyz`, { signal })
      return stateOfReadiness(WorkerReadiness.parse(await response.json()), clock.now())
    }
    const state = await probeUpstream({ url, openai }, { fetch, signal, nowMs: () => clock.now() })
    return state.kind === 'ready' ? { ...state, cachedAudio: heard?.at(id) ?? null } : state
  }
}

function stateOfBeat(beat: Beat, heardAtMs: number): WorkerState {
  return 'status' in beat
    ? stateOfReadiness(beat, heardAtMs)
    : { kind: 'incompatible', checkedAtMs: heardAtMs }
}

function stateOfReadiness(readiness: WorkerReadiness, checkedAtMs: number): WorkerState {
  if (readiness.protocol_version !== protocolVersion) return { kind: 'incompatible', checkedAtMs }
  const { models, load, cached_audio } = readiness
  if (readiness.status !== 'ready') return { kind: 'not-ready', models, checkedAtMs }
  const cachedAudio = cached_audio === undefined ? null : BloomFilter.parse(cached_audio)
  return { kind: 'ready', models, load, cachedAudio, checkedAtMs }
}

/** A worker that comes back at another address is another worker. */
function keyOf(address: WorkerAddress): string {
  return `${address.id} ${address.url}`
}
