/**
 * What this edge has sent to each worker and what came of it: how many requests are there, how long one takes, whether
 * it fails. Time is passed in, in milliseconds.
 */
import type { Candidate, KnownWorker, WorkerAddress } from './choose.ts'
import { Ejection, type EjectionOptions } from './ejection.ts'
import { predictWaitMs, serviceMsOf } from './predict-wait.ts'

/** How a request at a worker ended, as far as the worker is to blame. */
export type Outcome =
  /** It did the work. */
  | 'succeeded'
  /** It said what was wrong with the request: it is well, but that tells nothing of how long work takes. */
  | 'answered'
  /** It answered badly, or broke off. */
  | 'failed'
  /** Its time was over before it was answered: whoever is to blame, it would have taken longer. */
  | 'late'
  /** The client left, or nothing was done for it: says nothing of the worker. */
  | 'neither'

/** A request on its way; `end` is to be called once, and what is called after that does nothing. */
export interface Journey {
  end(outcome: Outcome, nowMs: number): void
}

/** What a request takes where no answer has come yet. */
const firstGuessMs = 500
/** How much the newest answer counts. */
const newestShare = 0.1
/**
 * For how many mean deviations above the mean a request is given time, as TCP has it for the time of an answer
 * (Jacobson 1988), and for how much of the mean where all take equally long.
 */
const deviations = 2
const leastReserve = 0.25
/** For so long a worker that said it is full is asked no more, whatever it said itself. */
const longestFullMs = 1_000

interface Tally {
  inFlight: number
  /** Requests of others that were there when the worker last said what it does. */
  others: number
  othersAsOfMs: number
  serviceMs: number | null
  /** Mean distance from that. */
  deviationMs: number
  fullUntilMs: number
  /** It was full with so many of ours, and is as soon as there are so many again. */
  fullAt: number
  ejection: Ejection
}

/** The tallies of all workers. */
export class Traffic {
  readonly #tallies = new Map<string, Tally>()
  readonly #ejection: EjectionOptions | undefined

  constructor(ejection?: EjectionOptions) {
    this.#ejection = ejection
  }

  /** Adds to what workers said what is seen of them here. */
  candidates(workers: readonly KnownWorker[], nowMs: number): Candidate[] {
    return workers.map(worker => {
      const tally = this.#of(worker.address)
      const { state } = worker
      const load = state.kind === 'ready' ? state.load : { running: 0, waiting: 0, slots: 1 }
      if (state.kind === 'ready' && state.checkedAtMs !== tally.othersAsOfMs) {
        tally.others = Math.max(0, load.running + load.waiting - tally.inFlight)
        tally.othersAsOfMs = state.checkedAtMs
      }
      const slots = Math.max(1, load.slots)
      const busy = tally.inFlight + tally.others
      return {
        ...worker,
        busy,
        slots,
        waitMs: predictWaitMs(busy, slots, tally.serviceMs ?? firstGuessMs),
        serviceMs: cautious(tally),
        full: nowMs < tally.fullUntilMs && tally.inFlight >= tally.fullAt,
        standing: tally.ejection.standing(nowMs),
        inFlight: tally.inFlight,
      }
    })
  }

  /** A request sets out. */
  begin({ address, busy, slots }: Candidate, nowMs: number): Journey {
    const tally = this.#of(address)
    tally.inFlight++
    let ended = false
    return {
      end: (outcome, endedAtMs) => {
        if (ended) return
        ended = true
        tally.inFlight--
        if (outcome === 'failed') tally.ejection.failed(endedAtMs)
        if (outcome === 'succeeded' || outcome === 'answered') tally.ejection.succeeded()
        if (outcome !== 'succeeded' && outcome !== 'late') return
        const sample = serviceMsOf(endedAtMs - nowMs, busy, slots)
        // What was late says how long it took at least: were only those counted that were in time, all would seem quick.
        if (outcome === 'succeeded' || sample > (tally.serviceMs ?? firstGuessMs)) learn(tally, sample)
      },
    }
  }

  /**
   * A worker said that it takes nothing more for now. As one of ours ends there is room for another: were it left alone for
   * as long as it said, it would run dry meanwhile.
   */
  full(address: WorkerAddress, forMs: number, nowMs: number): void {
    const tally = this.#of(address)
    tally.fullUntilMs = nowMs + Math.min(forMs, longestFullMs)
    tally.fullAt = tally.inFlight
  }

  /** Requests of this edge that are at workers now. */
  get inFlight(): number {
    return [...this.#tallies.values()].reduce((total, tally) => total + tally.inFlight, 0)
  }

  /** Forgets workers that are gone. */
  keep(workers: readonly KnownWorker[]): void {
    const ids = new Set(workers.map(({ address }) => address.id))
    for (const [id, { inFlight }] of this.#tallies)
      if (!ids.has(id) && inFlight === 0) this.#tallies.delete(id)
  }

  #of({ id }: WorkerAddress): Tally {
    let tally = this.#tallies.get(id)
    if (tally === undefined) {
      tally = {
        inFlight: 0,
        others: 0,
        othersAsOfMs: Number.NEGATIVE_INFINITY,
        serviceMs: null,
        deviationMs: 0,
        fullUntilMs: Number.NEGATIVE_INFINITY,
        fullAt: 0,
        ejection: new Ejection(this.#ejection),
      }
      this.#tallies.set(id, tally)
    }
    return tally
  }
}

function learn(tally: Tally, sampleMs: number): void {
  const mean = tally.serviceMs ?? sampleMs
  tally.serviceMs = mean + newestShare * (sampleMs - mean)
  tally.deviationMs += newestShare * (Math.abs(sampleMs - mean) - tally.deviationMs)
}

function cautious({ serviceMs, deviationMs }: Tally): number {
  const mean = serviceMs ?? firstGuessMs
  return mean + Math.max(deviations * deviationMs, leastReserve * mean)
}
