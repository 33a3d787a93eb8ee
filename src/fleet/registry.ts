/**
 * What is known of the workers, and how it is kept fresh: each is asked (`GET /readyz`) when what is known of it is
 * too old to rely on. Plain data is kept from request to request, never a promise: on Workers a request may not wait
 * for the I/O of another.
 */
import { protocolVersion, WorkerReadiness } from '../protocol/health.ts'
import type { KnownWorker, WorkerAddress, WorkerState } from './choose.ts'
import type { Clock } from './clock.ts'

/** Ages in milliseconds at which a worker is asked again. */
export interface RegistryTiming {
  /** A ready worker is asked again in the background. */
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
  /** The workers there are now; asked before each choice, so the list may change. */
  addresses: () => readonly WorkerAddress[]
  fetch: typeof fetch
  clock: Clock
  timing?: RegistryTiming
}

/** The states of all workers. */
export class WorkerRegistry {
  readonly #options: RegistryOptions
  readonly #timing: RegistryTiming
  readonly #states = new Map<string, WorkerState>()
  /** When a worker was last asked, answered or not: keeps many requests from asking at once. */
  readonly #askedAtMs = new Map<string, number>()

  constructor(options: RegistryOptions) {
    this.#options = options
    this.#timing = options.timing ?? defaultTiming
  }

  /** The workers and what is known of them now. A ready worker that is distrusted counts as unknown. */
  known(): KnownWorker[] {
    const now = this.#options.clock.now()
    return this.#options.addresses().map(address => {
      const state = this.#states.get(keyOf(address)) ?? { kind: 'unknown' }
      const distrusted = state.kind === 'ready' && now - state.checkedAtMs > this.#timing.distrustAfterMs
      return { address, state: distrusted ? { kind: 'unknown' } : state }
    })
  }

  /** Asks all workers whose state is due; resolves when they have answered or timed out. Never rejects. */
  async refresh(): Promise<void> {
    const addresses = new Set(this.#options.addresses().map(keyOf))
    for (const key of this.#states.keys()) if (!addresses.has(key)) this.#forget(key)
    await Promise.all(
      this.known()
        .filter(worker => this.#isDue(worker))
        .map(({ address }) => this.#probe(address)),
    )
  }

  /** True when some ready worker's state is old enough to be asked again in the background. */
  isStale(): boolean {
    const now = this.#options.clock.now()
    return this.known().some(({ address, state }) => {
      const asked = this.#askedAtMs.get(keyOf(address)) ?? Number.NEGATIVE_INFINITY
      const wait = state.kind === 'ready' ? this.#timing.refreshAfterMs : this.#timing.recheckAfterMs
      return now - asked > wait
    })
  }

  /** A request could not reach the worker: it isn't used until it has answered a probe. */
  markUnreachable(address: WorkerAddress): void {
    const before = this.#states.get(keyOf(address))
    const models = before !== undefined && 'models' in before ? before.models : null
    this.#states.set(keyOf(address), { kind: 'unreachable', models, checkedAtMs: this.#options.clock.now() })
    this.#askedAtMs.set(keyOf(address), this.#options.clock.now())
  }

  #forget(key: string): void {
    this.#states.delete(key)
    this.#askedAtMs.delete(key)
  }

  #isDue({ address, state }: KnownWorker): boolean {
    if (state.kind === 'unknown') return true
    const asked = this.#askedAtMs.get(keyOf(address)) ?? Number.NEGATIVE_INFINITY
    const wait = state.kind === 'ready' ? this.#timing.refreshAfterMs : this.#timing.recheckAfterMs
    return this.#options.clock.now() - asked > wait
  }

  async #probe(address: WorkerAddress): Promise<void> {
    const { clock } = this.#options
    const key = keyOf(address)
    this.#askedAtMs.set(key, clock.now())
    try {
      const response = await this.#options.fetch(new URL('/readyz', address.url), {
        signal: clock.timeout(this.#timing.probeTimeoutMs),
      })
      const readiness = WorkerReadiness.parse(await response.json())
      this.#states.set(key, toState(readiness, clock.now()))
    } catch {
      // Refused, timed out, or not a worker: whichever it is, it can't be used now and is asked again soon.
      this.markUnreachable(address)
    }
  }
}

function toState(readiness: WorkerReadiness, checkedAtMs: number): WorkerState {
  if (readiness.protocol_version !== protocolVersion) return { kind: 'incompatible', checkedAtMs }
  const { models } = readiness
  return { kind: readiness.status === 'ready' ? 'ready' : 'not-ready', models, checkedAtMs }
}

/** A worker that comes back at another address is another worker. */
function keyOf(address: WorkerAddress): string {
  return `${address.id} ${address.url}`
}
