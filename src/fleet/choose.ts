/** Which worker gets a request. Pure: what is known of the workers goes in, a choice comes out. */
import type { Standing } from './ejection.ts'
import type { WorkerLoad } from './predict-wait.ts'
import { rendezvousScore } from './rendezvous.ts'

/** Where a worker listens. `url` has no path. */
export interface WorkerAddress {
  id: string
  url: string
  /** Set where it isn't a worker of ours but another server of OpenAI's wire, such as vLLM. */
  openai?: OpenAiUpstream
}

/** How a server that isn't ours is spoken to. */
export interface OpenAiUpstream {
  /** Our name of a model, and its name there. */
  models: Readonly<Record<string, string>>
  /** Sent as `Authorization: Bearer`. */
  apiKey: string | null
  /** How many requests it is given at once before others wait. */
  slots: number
  /** It cuts longer audio without a word, so longer audio isn't sent there. */
  maxAudioSeconds: number
  /** How it transcribes: through chat by a prompt, or by an endpoint of its own. */
  transcription: 'chat' | 'endpoint'
  /** It schedules by priority (vLLM's `--scheduling-policy priority`), so `service_tier` can be told to it. */
  priorities: boolean
}

/** What was last heard of a worker. `models` is null where it never said. */
export type WorkerState =
  | { kind: 'unknown' }
  | {
      kind: 'ready'
      models: readonly string[]
      load: WorkerLoad
      /** The audio that it holds encoded; null where it doesn't say. */
      cachedAudio: { has(id: string): boolean } | null
      checkedAtMs: number
    }
  | { kind: 'not-ready'; models: readonly string[]; checkedAtMs: number }
  | { kind: 'unreachable'; models: readonly string[] | null; checkedAtMs: number }
  /** It speaks another version of the protocol, and isn't used. */
  | { kind: 'incompatible'; checkedAtMs: number }

/** A worker and what is known of it. */
export interface KnownWorker {
  address: WorkerAddress
  state: WorkerState
}

/** A worker, what it said, and what this edge has seen of it. */
export interface Candidate extends KnownWorker {
  /** Requests that are there now, ours and others'. */
  busy: number
  slots: number
  /** How long one more would wait for a slot. */
  waitMs: number
  /** How long it would then hold the slot, with something for those that take longer. */
  serviceMs: number
  /** It said that it takes nothing more now. */
  full: boolean
  standing: Standing
  /** Requests of this edge that are there now. */
  inFlight: number
}

/** What an audio of a request is known by. */
export type AudioKey =
  /** An id from an earlier answer: only a worker that holds it can answer. */
  | { kind: 'cached'; id: string }
  /** Sent along, so any worker can answer; the same audio has the same key. */
  | { kind: 'content'; key: string }

/** What a request asks of its worker. */
export interface Wish {
  model: string
  /** The first audio of the conversation first: it stays, turn after turn. */
  audio: readonly AudioKey[]
  /** A counter that goes up by one a request. */
  turn: number
  /** Ids of workers that this request has already tried. */
  excluded: ReadonlySet<string>
  /** The longest that it is let wait for a slot. */
  maxWaitMs: number
  /** Until its answer must have ended; infinite where nobody says. */
  patienceMs: number
}

/** What came of choosing. */
export type Choice =
  | { kind: 'worker'; candidate: Candidate }
  /**
   * All that serve the model have more to do than the request can wait for. The least busy is free after `waitMs`, and
   * that is `excessMs` too late.
   */
  | { kind: 'overloaded'; waitMs: number; excessMs: number }
  /** Every worker said what it serves, and none serves this. */
  | { kind: 'model-unknown'; models: readonly string[] }
  /** A worker that serves it isn't ready, or may exist. */
  | { kind: 'unavailable' }

/**
 * How much more than its share a worker may have to do before its audio goes elsewhere (consistent hashing with bounded
 * loads, Mirrokni, Thorup and Zadimoghaddam 2018).
 */
const loadBound = 1.25

/**
 * The worker for a request: the one whose audio it is where that has room, else the one that is free first.
 */
export function chooseWorker(workers: readonly Candidate[], wish: Wish): Choice {
  const serving = workers.filter(
    ({ address, state }) =>
      state.kind === 'ready' && state.models.includes(wish.model) && !wish.excluded.has(address.id),
  )
  if (serving.length === 0) return nobody(workers, wish.model)

  const trial = serving.find(({ standing, inFlight }) => standing.kind === 'on-trial' && inFlight === 0)
  // A request that has failed once already isn't tried on a worker of which more than that is known.
  if (trial !== undefined && wish.excluded.size === 0) return { kind: 'worker', candidate: trial }
  const trusted = serving.filter(({ standing }) => standing.kind === 'trusted')
  // When all have failed, leaving all alone helps nobody.
  const pool = holders(trusted.length > 0 ? trusted : serving, wish.audio)
  const roomy = pool.filter(candidate => !candidate.full && excessMs(candidate, wish) <= 0)
  if (roomy.length === 0) {
    return {
      kind: 'overloaded',
      waitMs: Math.min(...pool.map(({ waitMs }) => waitMs)),
      excessMs: Math.min(...pool.map(candidate => excessMs(candidate, wish))),
    }
  }
  const best = wish.audio.length > 0 ? byAffinity(roomy, wish.audio) : freeFirst(roomy, wish.turn)
  return { kind: 'worker', candidate: best }
}

/** Ids of all models that some worker serves, ready or not, without repeats. */
export function servedModels(workers: readonly KnownWorker[]): string[] {
  return [...new Set(workers.flatMap(({ state }) => modelsOf(state) ?? []))]
}

/**
 * How much too long a request would wait: who couldn't be answered in time any more takes a slot from somebody who could,
 * and when all do, nobody is. A free slot is tried, however long others took.
 */
function excessMs({ waitMs, serviceMs }: Candidate, { maxWaitMs, patienceMs }: Wish): number {
  return waitMs - Math.max(0, Math.min(maxWaitMs, patienceMs - serviceMs))
}

/** Those that can answer about audio that isn't sent along; all where none says that it can. */
function holders(pool: readonly Candidate[], audio: readonly AudioKey[]): readonly Candidate[] {
  const ids = audio.flatMap(key => (key.kind === 'cached' ? [key.id] : []))
  if (ids.length === 0) return pool
  const holding = pool.filter(candidate => ids.every(id => holds(candidate, id)))
  return holding.length > 0 ? holding : pool
}

function holds({ state }: Candidate, id: string): boolean {
  return state.kind === 'ready' && (state.cachedAudio?.has(id) ?? false)
}

/** The first in the audio's own order of workers that isn't busier than its share. */
function byAffinity(pool: readonly Candidate[], audio: readonly AudioKey[]): Candidate {
  const [first] = audio
  const key = first === undefined ? '' : first.kind === 'cached' ? first.id : first.key
  const busy = sum(pool.map(candidate => candidate.busy)) + 1
  const slots = sum(pool.map(candidate => candidate.slots))
  // A worker with a slot free is never too busy: an idle neighbour would have to encode the audio again.
  const limitOf = (candidate: Candidate) =>
    Math.max(candidate.slots, Math.ceil((loadBound * busy * candidate.slots) / slots))
  const score = ({ address, slots }: Candidate) => rendezvousScore(key, address.id, slots)
  const ranked = pool.toSorted((a, b) => score(b) - score(a))
  return ranked.find(candidate => candidate.busy < limitOf(candidate)) ?? ranked[0]!
}

/** The one where a request waits least, then the least busy; equals take turns. */
function freeFirst(pool: readonly Candidate[], turn: number): Candidate {
  const cost = ({ waitMs, busy, slots }: Candidate) => [waitMs, busy / slots] as const
  const [leastWait, leastBusy] = pool.map(cost).reduce((a, b) => ((b[0] - a[0] || b[1] - a[1]) < 0 ? b : a))
  const equals = pool.filter(candidate => {
    const [wait, busy] = cost(candidate)
    return wait === leastWait && busy === leastBusy
  })
  return equals[turn % equals.length]!
}

function nobody(workers: readonly KnownWorker[], model: string): Choice {
  const lists = workers.map(worker => modelsOf(worker.state))
  const everyWorkerSpoke = workers.length > 0 && lists.every(list => list !== null)
  const models = servedModels(workers)
  if (everyWorkerSpoke && !models.includes(model)) return { kind: 'model-unknown', models }
  return { kind: 'unavailable' }
}

function modelsOf(state: WorkerState): readonly string[] | null {
  switch (state.kind) {
    case 'unknown':
    case 'incompatible':
      // During a roll-out the other version serves it, and we will too.
      return null
    case 'not-ready':
      // A worker that still loads doesn't know yet what it will serve.
      return state.models.length > 0 ? state.models : null
    default:
      return state.models
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0)
}
