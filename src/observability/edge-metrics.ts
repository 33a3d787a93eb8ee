/** What the edge counts; docs/operations.md lists it, and a test holds the list equal. */
import type { Candidate } from '../fleet/choose.ts'
import type { FleetEvent } from '../fleet/observer.ts'
import { Counter, Gauge, Histogram, toPrometheusText } from './metrics.ts'
import type { RequestRecord } from './request-record.ts'

/** Seconds. */
const latencyBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80]

/** One an edge process. */
export class EdgeMetrics {
  readonly #requests = new Counter('auricle_edge_requests_total', 'Requests, by route and status.')
  readonly #latency = new Histogram(
    'auricle_edge_request_seconds',
    'From a request to its answer: its first event where it is streamed.',
    latencyBuckets,
  )
  readonly #attempts = new Counter(
    'auricle_edge_attempts_total',
    'Requests to workers, by what came of them.',
  )
  readonly #attemptLatency = new Histogram(
    'auricle_edge_attempt_seconds',
    'From a request to a worker to its first event or whole answer.',
    latencyBuckets,
  )
  readonly #retries = new Counter('auricle_edge_retries_total', 'Requests sent to a second worker, by why.')
  readonly #denied = new Counter(
    'auricle_edge_retries_denied_total',
    'Retries that the budget did not allow.',
  )
  readonly #shed = new Counter(
    'auricle_edge_shed_total',
    'Requests refused because they would have waited too long.',
  )
  readonly #starts = new Counter(
    'auricle_edge_starts_total',
    'Calls for a worker, by whether they were understood.',
  )
  readonly #gauges: readonly Gauge[]

  /** @param workers how they stand, asked at each scrape */
  constructor(workers: () => readonly Candidate[]) {
    const perWorker = (name: string, help: string, value: (worker: Candidate) => number) =>
      new Gauge(name, help, () =>
        workers().map(worker => [{ worker: worker.address.id }, value(worker)] as const),
      )
    this.#gauges = [
      new Gauge('auricle_edge_workers', 'Workers, by how they are.', () => countStates(workers())),
      perWorker(
        'auricle_edge_worker_busy',
        'Requests at a worker, as far as is known.',
        worker => worker.busy,
      ),
      perWorker('auricle_edge_worker_slots', 'Requests that it works on at once.', worker => worker.slots),
      perWorker(
        'auricle_edge_worker_wait_seconds',
        'How long one more request would wait for a slot.',
        worker => worker.waitMs / 1000,
      ),
    ]
  }

  request({ route, status, durationMs }: RequestRecord): void {
    this.#requests.add({ route, status: String(status) })
    this.#latency.observe(durationMs / 1000, { route })
  }

  fleet(event: FleetEvent): void {
    switch (event.type) {
      case 'attempt':
        this.#attempts.add({ outcome: event.outcome })
        this.#attemptLatency.observe(event.durationMs / 1000)
        break
      case 'retry':
        this.#retries.add({ reason: event.hedge ? 'late' : 'failed' })
        break
      case 'retry-denied':
        this.#denied.add()
        break
      case 'shed':
        this.#shed.add({ model: event.model })
        break
      case 'start':
        this.#starts.add({ model: event.model, understood: String(event.understood) })
    }
  }

  /** The text of a scrape. */
  text(): string {
    const counted = [this.#requests, this.#latency, this.#attempts, this.#attemptLatency]
    const rarer = [this.#retries, this.#denied, this.#shed, this.#starts]
    return toPrometheusText([...counted, ...rarer, ...this.#gauges])
  }
}

function countStates(workers: readonly Candidate[]): (readonly [{ state: string }, number])[] {
  const counts = new Map<string, number>()
  for (const { state, standing } of workers) {
    const name = state.kind === 'ready' && standing.kind !== 'trusted' ? standing.kind : state.kind
    counts.set(name, (counts.get(name) ?? 0) + 1)
  }
  return [...counts].map(([state, count]) => [{ state }, count])
}
