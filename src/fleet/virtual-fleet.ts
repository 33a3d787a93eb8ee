/** Virtual time and virtual workers for tests of the fleet. */
import { protocolVersion } from '../protocol/health.ts'
import type { WorkerAddress } from './choose.ts'
import type { Clock } from './clock.ts'

/** A clock that stands still until it is told. Its timeouts abort when time has passed them. */
export class VirtualClock implements Clock {
  #now = 0
  #timers: { at: number; controller: AbortController }[] = []

  now(): number {
    return this.#now
  }

  timeout(milliseconds: number): AbortSignal {
    const controller = new AbortController()
    this.#timers.push({ at: this.#now + milliseconds, controller })
    return controller.signal
  }

  advance(milliseconds: number): void {
    this.#now += milliseconds
    for (const timer of this.#timers) {
      if (timer.at <= this.#now) timer.controller.abort(new DOMException('timed out', 'TimeoutError'))
    }
    this.#timers = this.#timers.filter(timer => timer.at > this.#now)
  }
}

/** One virtual worker; tests change its fields. */
export interface VirtualWorker {
  models: string[]
  status: 'ready' | 'loading' | 'draining' | 'failed'
  protocolVersion: number
  /** Refuses connections. */
  down: boolean
  /** Accepts connections and says nothing. */
  hanging: boolean
  chat: (request: Request) => Response | Promise<Response>
  /** Paths of the requests that reached it. */
  requests: string[]
}

/** Virtual workers behind a fetch. */
export class VirtualFleet {
  readonly workers = new Map<string, VirtualWorker>()

  add(id: string, changes: Partial<VirtualWorker> = {}): VirtualWorker {
    const worker: VirtualWorker = {
      models: ['pocket'],
      status: 'ready',
      protocolVersion,
      down: false,
      hanging: false,
      chat: () => Response.json({ answered_by: id }),
      requests: [],
      ...changes,
    }
    this.workers.set(id, worker)
    return worker
  }

  addresses = (): WorkerAddress[] => [...this.workers.keys()].map(id => ({ id, url: `http://${id}` }))

  fetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    const url = new URL(request.url)
    const worker = this.workers.get(url.hostname)
    if (worker === undefined || worker.down) throw new TypeError('fetch failed')
    worker.requests.push(url.pathname)
    if (worker.hanging) return hang(request.signal)
    if (url.pathname === '/readyz') return readiness(worker)
    if (url.pathname === '/v1/models') return Response.json(modelList(worker.models))
    return worker.chat(request)
  }
}

/** Never answers; rejects when the signal aborts. */
export function hang(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    if (signal.aborted) reject(signal.reason)
    signal.addEventListener('abort', () => reject(signal.reason))
  })
}

function readiness(worker: VirtualWorker): Response {
  const body = {
    status: worker.status,
    protocol_version: worker.protocolVersion,
    models: worker.models,
    load: { running: 0, waiting: 0, slots: 4 },
  }
  return Response.json(body, { status: worker.status === 'ready' ? 200 : 503 })
}

function modelList(models: readonly string[]): object {
  return { object: 'list', data: models.map(id => ({ id, object: 'model', created: 1, owned_by: 'test' })) }
}
