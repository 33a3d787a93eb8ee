/**
 * A deterministic simulation of an edge and its workers (in the way of FoundationDB's and TigerBeetle's): the real edge
 * app and fleet over virtual time, network and workers. A seed decides what is asked and what goes wrong, and replays it.
 */
import { createApp } from '../../app.ts'
import { KeyVerifier } from '../../keys/verify-key.ts'
import { InProcessRateLimiter } from '../../limits/rate-limiter.ts'
import type { RateLimits } from '../../limits/tenant-usage.ts'
import { protocolVersion } from '../../protocol/health.ts'
import type { KeyRecord } from '../../protocol/keys.ts'
import type { WorkerAddress } from '../choose.ts'
import { sleep } from '../clock.ts'
import { MemoryDirectory } from '../directory.ts'
import { Fleet } from '../fleet.ts'
import type { Starter } from '../starter.ts'
import { ask, type ClientRequest, type Ending } from './virtual-client.ts'
import { VirtualNetwork } from './virtual-network.ts'
import { Dice, VirtualTime } from './virtual-time.ts'
import { VirtualWorker } from './virtual-worker.ts'

/** What a simulated run came to. */
export interface SimulationReport {
  /** How many requests ended how: `complete`, `left`, or an error's code. */
  readonly endings: Readonly<Record<string, number>>
  /** Requests to workers. */
  readonly sent: number
  readonly crashes: number
  readonly lastedMs: number
}

/**
 * @throws Error naming the seed, at the first broken promise
 */
export async function simulate(seed: number): Promise<SimulationReport> {
  const world = new World(seed)
  try {
    return await world.run()
  } catch (error) {
    throw new Error(`Simulation of seed ${seed} at ${world.time.now()} ms: ${(error as Error).message}`, {
      cause: error,
    })
  }
}

/** Faults end after so long, so that what comes then shows whether all has healed. */
const troubleMs = 60_000
/** The longest that anything keeps a worker from being used once it is well: five minutes on probation. */
const healingMs = 330_000
/** Requests after that, of which none may fail. */
const lastRequests = 5

class World {
  readonly time = new VirtualTime()
  readonly #dice: Dice
  readonly #network: VirtualNetwork
  readonly #workers = new Map<string, VirtualWorker>()
  readonly #fleet: Fleet
  readonly #edge: (request: Request) => Response | Promise<Response>
  readonly #directory: MemoryDirectory | null
  readonly #startable: boolean
  readonly #wanted: number
  readonly #slots: number
  /** A second. */
  readonly #freeRetries: number
  readonly #limits: RateLimits
  /** Of each tenant the requests that were let in: when they came and when they had ended. */
  readonly #admitted = new Map<string, { cameMs: number; endedMs: number }[]>()
  readonly #endings: Record<string, number> = {}
  readonly #unexpected: unknown[] = []
  readonly #broken: unknown[] = []
  #born = 0
  #crashes = 0
  #asked = 0

  constructor(seed: number) {
    this.#dice = new Dice(seed)
    const dice = this.#dice
    this.#wanted = dice.between(1, 5)
    this.#slots = dice.between(1, 4)
    this.#freeRetries = dice.pick([0, 0, 10])
    this.#startable = dice.chance(0.25)
    const faults = {
      latencyMs: dice.pick([2, 20, 200]),
      duplicates: dice.pick([0, 0.1]),
      breaks: dice.pick([0, 0.02, 0.2]),
    }
    this.#network = new VirtualNetwork(this.#workers, { clock: this.time, dice, faults })
    this.#directory = dice.chance(0.5) ? new MemoryDirectory({ secrets: [], clock: this.time }) : null
    this.#fleet = new Fleet({
      addresses: () => (this.#directory === null ? this.#listed() : []),
      ...(this.#directory && { directory: this.#directory }),
      ...(this.#startable && { starter: this.#starter() }),
      fetch: this.#network.fetch,
      clock: this.time,
      // Often none is free, so that there is something to exceed.
      retryBudget: { perRequest: 0.2, perSecond: this.#freeRetries, most: 100 },
    })
    this.#limits = {
      requestsPerMinute: dice.pick([null, 6, 20]),
      concurrentRequests: dice.pick([null, 2, 5]),
      requestsPerDay: null,
      audioSecondsPerMinute: null,
      audioSecondsPerDay: null,
    }
    const app = createApp({
      fleet: this.#fleet,
      keys: new VirtualKeys(),
      rates: {
        limiter: new InProcessRateLimiter(() => this.time.now()),
        limitsOf: () => this.#limits,
      },
      report: error => this.#unexpected.push(error),
    })
    this.#edge = request => app.fetch(request)
  }

  async run(): Promise<SimulationReport> {
    if (!this.#startable) for (let i = 0; i < this.#wanted; i++) this.#launch(protocolVersion)
    const work: Promise<void>[] = []
    let over = false
    const all = this.#live(work).then(() => {
      over = true
    })
    all.catch(() => {
      over = true
    })
    await this.time.run(() => over || this.#broken.length > 0)
    if (this.#broken.length > 0) throw this.#broken[0]
    if (!over) throw new Error(`${this.#asked - this.#endedSoFar()} requests never end`)
    await all
    this.#check()
    return {
      endings: this.#endings,
      sent: this.#network.sent,
      crashes: this.#crashes,
      lastedMs: this.time.now(),
    }
  }

  async #live(work: Promise<void>[]): Promise<void> {
    const requests = this.#dice.between(5, 40)
    const troubles = this.#trouble()
    for (let i = 0; i < requests; i++) {
      await sleep(this.time, this.#dice.roll() * (troubleMs / requests))
      work.push(this.#ask(this.#randomRequest()))
    }
    await troubles
    await Promise.all(work)
    await sleep(this.time, healingMs)
    if (!this.#startable && this.#serving().length === 0) this.#launch(protocolVersion)
    await sleep(this.time, 20_000)
    // One may find what isn't true any more, and is retried or refused; from then on all is known.
    const find = { ...this.#randomRequest(), stream: false, leavesAfterMs: null, timeoutMs: null }
    await this.#ask(find)
    for (let i = 0; i < lastRequests; i++) {
      await sleep(this.time, 3_000)
      const request = { ...this.#randomRequest(), leavesAfterMs: null, timeoutMs: null }
      const ending = await this.#ending(request)
      const isModelsOwn = ending.kind === 'error' && ending.code === 'internal_error'
      if (ending.kind !== 'complete' && !isModelsOwn) {
        throw new Error(`${request.id} ended ${JSON.stringify(ending)} when all was well again`)
      }
    }
    // What was asked twice by the network, or is being told that its client left.
    await sleep(this.time, 30_000)
  }

  async #trouble(): Promise<void> {
    while (this.time.now() < troubleMs) {
      await sleep(this.time, this.#dice.roll() * 4_000)
      this.#somethingHappens()
    }
    this.#network.faults = { ...this.#network.faults, breaks: 0, duplicates: 0 }
    this.#network.partitioned.clear()
    for (const worker of this.#alive()) worker.health = 'well'
  }

  #somethingHappens(): void {
    const worker = this.#alive().length > 0 ? this.#dice.pick(this.#alive()) : null
    switch (this.#dice.pick(['crash', 'crash', 'partition', 'sickness', 'roll-out', 'nothing'] as const)) {
      case 'crash':
        if (worker !== null) this.#crash(worker)
        break
      case 'partition': {
        if (worker === null) break
        this.#network.partitioned.add(worker.id)
        const { id } = worker
        this.time.after(this.#dice.between(100, 15_000), () => this.#network.partitioned.delete(id))
        break
      }
      case 'sickness': {
        if (worker === null) break
        worker.health = this.#dice.pick(['failing', 'hanging'])
        this.time.after(this.#dice.between(1_000, 20_000), () => {
          worker.health = 'well'
        })
        break
      }
      case 'roll-out':
        if (worker !== null) this.#replace(worker)
        break
      case 'nothing':
    }
  }

  #crash(worker: VirtualWorker): void {
    this.#crashes++
    worker.life.abort()
    this.#network.partitioned.delete(worker.id)
    if (!this.#startable || this.#dice.chance(0.5)) {
      this.time.after(this.#dice.between(100, 8_000), () => this.#launch(worker.protocolVersion))
    }
  }

  /** A new one is started, sometimes of a version that isn't ours; the old one answers what it has, and goes. */
  #replace(worker: VirtualWorker): void {
    const isSkewed = this.#dice.chance(0.3) && this.#serving().length > 1
    const next = this.#launch(isSkewed ? protocolVersion + 1 : protocolVersion)
    worker.status = 'draining'
    const isSkewedBack = isSkewed ? this.#dice.between(5_000, 20_000) : null
    if (isSkewedBack !== null) this.time.after(isSkewedBack, () => this.#replaceSkewed(next))
    const leave = () => {
      if (worker.active > 0 && worker.isAlive && worker.health !== 'hanging') this.time.after(500, leave)
      else worker.life.abort()
    }
    this.time.after(2_000, leave)
  }

  #replaceSkewed(worker: VirtualWorker): void {
    worker.life.abort()
    this.#launch(protocolVersion)
  }

  #launch(version: number): VirtualWorker {
    const id = `w${this.#born++}`
    const options = { protocolVersion: version, slots: this.#slots, clock: this.time, dice: this.#dice }
    const worker = new VirtualWorker(id, options)
    this.#workers.set(id, worker)
    this.time.after(this.#dice.between(50, 3_000), () => {
      if (worker.status === 'loading') worker.status = 'ready'
    })
    if (this.#directory !== null) void this.#beat(worker, this.#directory)
    return worker
  }

  async #beat(worker: VirtualWorker, directory: MemoryDirectory): Promise<void> {
    while (worker.isAlive) {
      const beat = { ...worker.readiness(), worker: { id: worker.id, url: worker.url } }
      const isCutOff = this.#network.partitioned.has(worker.id) || worker.health === 'hanging'
      const times = isCutOff ? 0 : this.#dice.chance(this.#network.faults.duplicates) ? 2 : 1
      const late = this.#dice.roll() * this.#network.faults.latencyMs
      // A beat of another version says nothing of load and models that we would know how to read.
      const { protocol_version, worker: identity } = beat
      const heard =
        protocol_version === protocolVersion
          ? { ...beat, protocol_version }
          : { protocol_version, worker: identity }
      for (let i = 0; i < times; i++) this.time.after(late * (i + 1), () => directory.hear(heard))
      await sleep(this.time, 2_000, worker.life.signal)
    }
  }

  #starter(): Starter {
    let called = Number.NEGATIVE_INFINITY
    return {
      models: ['pocket'],
      start: async () => {
        if (this.time.now() - called < 15_000) return true
        called = this.time.now()
        this.time.after(this.#dice.between(500, 10_000), () => {
          if (this.#serving().length < this.#wanted) this.#launch(protocolVersion)
        })
        return true
      },
    }
  }

  async #ask(request: ClientRequest): Promise<void> {
    await this.#ending(request).catch(error => this.#broken.push(error))
  }

  async #ending(request: ClientRequest): Promise<Ending> {
    this.#asked++
    const cameMs = this.time.now()
    const ending = await ask(request, this.#edge, this.time)
    const name = ending.kind === 'error' ? ending.code : ending.kind
    this.#endings[name] = (this.#endings[name] ?? 0) + 1
    const tookMs = this.time.now() - cameMs
    // The edge sees the end before a client does that reads slowly.
    const endedMs = this.time.now() - 3 * request.readsEveryMs
    if (name !== 'rate_limit_exceeded') {
      this.#admitted.set(request.tenant, [...(this.#admitted.get(request.tenant) ?? []), { cameMs, endedMs }])
    }
    // Reading slowly is the client's own time.
    const allowedMs = (request.timeoutMs ?? Number.POSITIVE_INFINITY) + 20 * request.readsEveryMs + 5_000
    if (tookMs > allowedMs)
      throw new Error(`${request.id} took ${tookMs} ms, its deadline was ${request.timeoutMs}`)
    if (ending.kind === 'left' && request.leavesAfterMs === null) throw new Error(`${request.id} has no end`)
    if (ending.kind === 'error' && !expectedErrors.has(ending.code)) {
      throw new Error(`${request.id} ended in ${ending.code}`)
    }
    return ending
  }

  #randomRequest(): ClientRequest {
    const dice = this.#dice
    return {
      id: `r${this.#asked}`,
      stream: dice.chance(0.6),
      tenant: dice.pick(['a', 'b', 'c']),
      audio: dice.chance(0.5) ? `audio${dice.between(1, 5)}` : null,
      timeoutMs: dice.chance(0.3) ? dice.between(50, 20_000) : null,
      leavesAfterMs: dice.chance(0.15) ? dice.between(0, 3_000) : null,
      readsEveryMs: dice.chance(0.2) ? dice.between(1, 300) : 0,
    }
  }

  #check(): void {
    if (this.#unexpected.length > 0) throw new Error(`the edge reported ${String(this.#unexpected[0])}`)
    this.#checkLimits()
    const seconds = this.time.now() / 1000
    const most = this.#asked * 1.2 + this.#freeRetries * (seconds + 1)
    if (this.#network.sent > most)
      throw new Error(`${this.#network.sent} requests were sent for ${this.#asked}`)
    for (const worker of this.#workers.values()) {
      if (worker.isAlive && worker.active !== 0)
        throw new Error(`${worker.id} has ${worker.active} slots in use`)
      if (worker.protocolVersion !== protocolVersion && worker.asked > 0) {
        throw new Error(
          `${worker.id} speaks version ${worker.protocolVersion} and was asked ${worker.asked} times`,
        )
      }
    }
    const held = this.#fleet.workers().filter(({ inFlight }) => inFlight !== 0)
    if (held.length > 0)
      throw new Error(`the edge counts ${held[0]!.inFlight} requests at ${held[0]!.address.id}`)
  }

  /** No more at once and no more a minute than a tenant may, whatever went wrong meanwhile. */
  #checkLimits(): void {
    const { requestsPerMinute, concurrentRequests } = this.#limits
    for (const [tenant, requests] of this.#admitted) {
      for (const { cameMs } of requests) {
        const atOnce = requests.filter(other => other.cameMs <= cameMs && other.endedMs > cameMs).length
        if (concurrentRequests !== null && atOnce > concurrentRequests) {
          throw new Error(`${tenant} had ${atOnce} requests at once, and may have ${concurrentRequests}`)
        }
        const inMinute = requests.filter(other => other.cameMs >= cameMs && other.cameMs < cameMs + 60_000)
        // A bucket that was full, and what came into it meanwhile.
        if (requestsPerMinute !== null && inMinute.length > 2 * requestsPerMinute) {
          throw new Error(`${tenant} had ${inMinute.length} requests in a minute, of ${requestsPerMinute}`)
        }
      }
    }
  }

  #listed(): WorkerAddress[] {
    return this.#alive().map(({ id, url }) => ({ id, url }))
  }

  #alive(): VirtualWorker[] {
    return [...this.#workers.values()].filter(worker => worker.isAlive)
  }

  #serving(): VirtualWorker[] {
    return this.#alive().filter(
      worker => worker.protocolVersion === protocolVersion && worker.status !== 'draining',
    )
  }

  #endedSoFar(): number {
    return Object.values(this.#endings).reduce((sum, count) => sum + count, 0)
  }
}

/** A key is its tenant's name: hashing needs real time. */
class VirtualKeys extends KeyVerifier {
  constructor() {
    super({ find: async () => null }, () => 0)
  }

  override async verify(key: string): Promise<KeyRecord> {
    const times = { created_at: 0, expires_at: null, revoked_at: null }
    return { id: key, tenant: key, name: key, sha256: '', scopes: ['chat'], ...times } as KeyRecord
  }
}

/** What may go wrong in a world such as this. Anything else is ours. */
const expectedErrors = new Set([
  'worker_unavailable',
  'worker_failed',
  'overloaded',
  'deadline_exceeded',
  'request_cancelled',
  'rate_limit_exceeded',
  // The model's own, in a stream.
  'internal_error',
])
