/** Three times as many requests as the workers can answer, in virtual time: what is answered in time, and what is refused. */
import { describe, expect, test } from 'vitest'
import { errorResponse } from '../protocol/error-response.ts'
import { ApiError, toApiError } from '../protocol/errors.ts'
import { protocolVersion } from '../protocol/health.ts'
import { sleep } from './clock.ts'
import { Fleet } from './fleet.ts'
import { Dice, VirtualTime } from './simulation/virtual-time.ts'
import type { WorkerFetch } from './worker-fetch.ts'

interface World {
  workers: number
  /** Edges that know nothing of each other. */
  edges: number
  slots: number
  /** Requests that wait for a slot at a worker, before it refuses. */
  maxWaiting: number
  /** How long a request holds a slot, in milliseconds. */
  service: (dice: Dice) => number
  meanServiceMs: number
  /** Clients' patience; null: none of them says. */
  timeoutMs: number | null
  /** Arrivals over what the slots can do. */
  load: number
  seconds: number
}

interface Report {
  /** Answered in time, over what the slots can do. */
  goodput: number
  /** How long those waited that were refused, the longest of 99 in 100. */
  refusedAfterMs: number
}

/** From an edge to a worker, and back. */
const hopMs = 2

const constant = { service: () => 100, meanServiceMs: 100 }
const usual: World = {
  workers: 2,
  edges: 1,
  slots: 8,
  maxWaiting: 64,
  ...constant,
  timeoutMs: 1_000,
  load: 3,
  seconds: 10,
}
/** Most are short, a few are long. */
const exponential = { service: (dice: Dice) => -Math.log(1 - dice.roll()) * 100, meanServiceMs: 100 }

describe('at three times what the workers can do, nine tenths of it are answered in time', () => {
  test.each<[string, Partial<World>]>([
    ['a patience of ten answers', {}],
    ['a patience of three', { timeoutMs: 300 }],
    ['a patience that is longer than the queues', { timeoutMs: 10_000 }],
    ['no patience told', { timeoutMs: null }],
    ['short queues at the workers', { maxWaiting: 4 }],
    ['answers of very different length', exponential],
    ['answers of very different length, and little patience', { ...exponential, timeoutMs: 500 }],
    ['one slot a worker', { slots: 1, workers: 4 }],
    ['several edges', { edges: 3, workers: 4 }],
    ['several edges, and no patience told', { edges: 3, workers: 4, timeoutMs: null }],
  ])('%s', async (_name, change) => {
    const { goodput, refusedAfterMs } = await run({ ...usual, ...change })
    expect(goodput).toBeGreaterThanOrEqual(0.9)
    // Two ways there and back, should two workers be asked before.
    expect(refusedAfterMs).toBeLessThanOrEqual(4 * hopMs)
  })
})

async function run(world: World): Promise<Report> {
  const time = new VirtualTime()
  const dice = new Dice(1)
  const workers = new Map(
    Array.from({ length: world.workers }, (_, i) => [`w${i}`, new Worker(world, time, dice)]),
  )
  const fetch: WorkerFetch = async (url, { signal }) => {
    const { hostname, pathname } = new URL(url)
    const worker = workers.get(hostname)!
    await sleep(time, hopMs)
    const response = pathname === '/readyz' ? worker.readiness() : await worker.answer(signal)
    await sleep(time, hopMs)
    return response
  }
  const addresses = [...workers.keys()].map(id => ({ id, url: `http://${id}` }))
  const edges = Array.from(
    { length: world.edges },
    () => new Fleet({ addresses: () => addresses, clock: time, fetch }),
  )
  const capacity = (world.workers * world.slots * 1000) / world.meanServiceMs
  const warmUpMs = 3_000
  const endsMs = warmUpMs + world.seconds * 1000
  const refusedAfter: number[] = []
  let underWay = 0
  let good = 0
  const ask = async (index: number) => {
    underWay++
    const cameMs = time.now()
    const end = await edges[index % edges.length]!.forward({
      model: 'x',
      path: '/v1/chat/completions',
      requestId: `r${index}`,
      tenant: 't',
      body: new Uint8Array(0),
      timeoutMs: world.timeoutMs,
      signal: new AbortController().signal,
      background: () => {},
    })
      .then(async response =>
        response.ok ? 'ok' : ((await response.json()) as { error: { code: string } }).error.code,
      )
      .catch(error => toApiError(error).code)
    underWay--
    if (time.now() < warmUpMs || time.now() >= endsMs) return
    if (end === 'overloaded') refusedAfter.push(time.now() - cameMs)
    if (end === 'ok') good++
  }
  let arrived = 0
  const arrive = () => {
    if (time.now() >= endsMs) return
    void ask(arrived++)
    time.after((-Math.log(1 - dice.roll()) * 1000) / (capacity * world.load), arrive)
  }
  time.after(0, arrive)
  await time.run(() => time.now() >= endsMs && underWay === 0)
  refusedAfter.sort((a, b) => a - b)
  return {
    goodput: good / world.seconds / capacity,
    refusedAfterMs: refusedAfter[Math.floor(refusedAfter.length * 0.99)]!,
  }
}

/** Slots and a queue, as a worker has them; time is all that its work takes. */
class Worker {
  #running = 0
  readonly #waiting: (() => void)[] = []
  readonly #world: World
  readonly #time: VirtualTime
  readonly #dice: Dice

  constructor(world: World, time: VirtualTime, dice: Dice) {
    this.#world = world
    this.#time = time
    this.#dice = dice
  }

  readiness(): Response {
    const load = { running: this.#running, waiting: this.#waiting.length, slots: this.#world.slots }
    return Response.json({ status: 'ready', protocol_version: protocolVersion, models: ['x'], load })
  }

  async answer(signal: AbortSignal): Promise<Response> {
    const { slots, maxWaiting } = this.#world
    if (this.#running >= slots && this.#waiting.length >= maxWaiting) {
      return errorResponse(new ApiError('overloaded', { message: 'Full.', retryAfterSeconds: 1 }))
    }
    if (this.#running >= slots) await this.#turn(signal)
    else this.#running++
    try {
      await new Promise<void>((resolve, reject) => {
        const stop = this.#time.after(this.#world.service(this.#dice), resolve)
        signal.addEventListener('abort', () => {
          stop()
          reject(signal.reason)
        })
      })
    } finally {
      const next = this.#waiting.shift()
      if (next === undefined) this.#running--
      else next()
    }
    return Response.json({})
  }

  #turn(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push(resolve)
      signal.addEventListener('abort', () => {
        const index = this.#waiting.indexOf(resolve)
        if (index >= 0) this.#waiting.splice(index, 1)
        reject(signal.reason)
      })
    })
  }
}
