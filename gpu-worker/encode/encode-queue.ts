/**
 * The encoder's own budget. Windows of audio are encoded a few at a time (one, on a CPU), so that whoever is
 * being answered shares the cores with one encoder and not with as many as there are requests; and a recording
 * of ten minutes gives way after each of its windows, so that a short question doesn't wait behind it.
 */
import { ApiError } from '../../src/protocol/errors.ts'
import type { Priority } from '../engine/types.ts'
import { nextTurn, type WaitingTurn } from './turn-order.ts'

/** On whose behalf audio is encoded. */
export interface EncodeFor {
  readonly tenant: string
  readonly priority: Priority
  /** Ends the work between two operators, and the wait for it at once. */
  readonly signal: AbortSignal
}

/** Waits for a turn, then does the work; rejects with the signal's reason when that comes first. */
export type TakeTurn = <T>(work: () => Promise<T>) => Promise<T>

/** One audio's place among those that are encoded. */
export interface EncodePlace {
  readonly turn: TakeTurn
  /** To be called once, when its last turn is over. */
  leave(): void
}

export interface EncodeQueueStats {
  /** Audios that are being encoded or wait for it. */
  readonly jobs: number
  /** Windows that are being encoded. */
  readonly running: number
  /** Windows that wait for a turn. */
  readonly waiting: number
}

interface Entry extends WaitingTurn {
  /** Lets it begin. */
  readonly begin: () => void
}

export class EncodeQueue {
  readonly #concurrency: number
  readonly #maxJobs: number
  readonly #runningOf = new Map<string, number>()
  readonly #lastTurnOf = new Map<string, number>()
  readonly #jobsOf = new Map<string, number>()
  #waiting: Entry[] = []
  #jobs = 0
  #running = 0
  #arrivals = 0
  #given = 0

  /**
   * @param options.concurrency windows encoded at the same time
   * @param options.maxJobs audios at most, those under way included; one more is refused
   */
  constructor(options: { concurrency?: number; maxJobs?: number } = {}) {
    this.#concurrency = options.concurrency ?? 1
    this.#maxJobs = options.maxJobs ?? 64
  }

  /**
   * Encodes one audio, window by window, each in a turn of its own; see `enter()`.
   * @throws ApiError `overloaded`
   * @example await queue.job(who, turn => Promise.all(windows.map(window => turn(() => encode(window)))))
   */
  async job<T>(who: EncodeFor, work: (turn: TakeTurn) => Promise<T>): Promise<T> {
    const place = this.enter(who)
    try {
      return await work(place.turn)
    } finally {
      place.leave()
    }
  }

  /**
   * A place for one audio: it is refused here, or in none of its turns.
   * @throws ApiError `overloaded` when too many audios wait already; the signal's reason
   */
  enter(who: EncodeFor): EncodePlace {
    who.signal.throwIfAborted()
    if (this.#jobs >= this.#maxJobs) {
      throw new ApiError('overloaded', {
        message: `${this.#jobs} recordings are waiting to be heard already. Try again shortly.`,
        retryAfterSeconds: 1,
      })
    }
    this.#jobs++
    add(this.#jobsOf, who.tenant, 1)
    return {
      turn: window => this.#turn(who, window),
      leave: () => {
        this.#jobs--
        add(this.#jobsOf, who.tenant, -1)
        // A tenant that is gone needs no place in the order.
        if (!this.#jobsOf.has(who.tenant)) this.#lastTurnOf.delete(who.tenant)
      },
    }
  }

  stats(): EncodeQueueStats {
    return { jobs: this.#jobs, running: this.#running, waiting: this.#waiting.length }
  }

  async #turn<T>({ tenant, priority, signal }: EncodeFor, work: () => Promise<T>): Promise<T> {
    await this.#wait(tenant, priority, signal)
    try {
      signal.throwIfAborted()
      return await work()
    } finally {
      this.#running--
      add(this.#runningOf, tenant, -1)
      this.#giveTurns()
    }
  }

  #wait(tenant: string, priority: Priority, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve, reject } = Promise.withResolvers<void>()
    const onAbort = () => {
      this.#waiting = this.#waiting.filter(other => other !== entry)
      reject(signal.reason)
    }
    const begin = () => {
      signal.removeEventListener('abort', onAbort)
      resolve()
    }
    const entry = { tenant, priority, arrival: this.#arrivals++, givenBefore: this.#given, begin }
    signal.addEventListener('abort', onAbort, { once: true })
    this.#waiting.push(entry)
    this.#giveTurns()
    return promise
  }

  #giveTurns(): void {
    while (this.#running < this.#concurrency && this.#waiting.length > 0) {
      const next = nextTurn(this.#waiting, {
        given: this.#given,
        runningOf: this.#runningOf,
        lastTurnOf: this.#lastTurnOf,
      })
      this.#waiting = this.#waiting.filter(other => other !== next)
      this.#lastTurnOf.set(next.tenant, this.#given++)
      this.#running++
      add(this.#runningOf, next.tenant, 1)
      next.begin()
    }
  }
}

/** Counts; what is zero isn't there. */
function add(counts: Map<string, number>, key: string, by: number): void {
  const count = (counts.get(key) ?? 0) + by
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
}
