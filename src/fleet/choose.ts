/** Which worker gets a request. Pure: what is known of the workers goes in, a choice comes out. */

/** Where a worker listens. `url` has no path. */
export interface WorkerAddress {
  id: string
  url: string
}

/** What was last heard of a worker. `models` is null where it never said. */
export type WorkerState =
  | { kind: 'unknown' }
  | { kind: 'ready'; models: readonly string[]; checkedAtMs: number }
  | { kind: 'not-ready'; models: readonly string[]; checkedAtMs: number }
  | { kind: 'unreachable'; models: readonly string[] | null; checkedAtMs: number }
  /** It speaks another version of the protocol, and isn't used. */
  | { kind: 'incompatible'; checkedAtMs: number }

/** A worker and what is known of it. */
export interface KnownWorker {
  address: WorkerAddress
  state: WorkerState
}

/** What came of choosing. */
export type Choice =
  | { kind: 'worker'; address: WorkerAddress }
  /** Every worker said what it serves, and none serves this. */
  | { kind: 'model-unknown'; models: readonly string[] }
  /** A worker that serves it isn't ready, or may exist. */
  | { kind: 'unavailable' }

/**
 * The worker for a model: in turn among those that are ready and serve it.
 * @param turn a counter that goes up by one a request
 * @param excluded ids of workers that this request has already tried
 */
export function chooseWorker(
  workers: readonly KnownWorker[],
  model: string,
  turn: number,
  excluded: ReadonlySet<string> = new Set(),
): Choice {
  const candidates = workers.filter(
    ({ address, state }) =>
      state.kind === 'ready' && state.models.includes(model) && !excluded.has(address.id),
  )
  if (candidates.length > 0) return { kind: 'worker', address: candidates[turn % candidates.length]!.address }

  const lists = workers.map(worker => modelsOf(worker.state))
  const everyWorkerSpoke = workers.length > 0 && lists.every(list => list !== null)
  const models = servedModels(workers)
  if (everyWorkerSpoke && !models.includes(model)) return { kind: 'model-unknown', models }
  return { kind: 'unavailable' }
}

/** Ids of all models that some worker serves, ready or not, without repeats. */
export function servedModels(workers: readonly KnownWorker[]): string[] {
  return [...new Set(workers.flatMap(({ state }) => modelsOf(state) ?? []))]
}

function modelsOf(state: WorkerState): readonly string[] | null {
  switch (state.kind) {
    case 'unknown':
      return null
    case 'incompatible':
      return []
    case 'not-ready':
      // A worker that still loads doesn't know yet what it will serve.
      return state.models.length > 0 ? state.models : null
    default:
      return state.models
  }
}
