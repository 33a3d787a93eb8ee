/** Virtual time and virtual workers for tests of the fleet. */
import { BloomFilter } from '../protocol/bloom-filter.ts'
import { protocolVersion, type WorkerReadiness } from '../protocol/health.ts'
import type { WorkerAddress } from './choose.ts'
import type { Clock } from './clock.ts'

/** A clock that stands still until it is told. */
export class VirtualClock implements Clock {
  #nowMs = 0
  #timers: { atMs: number; action: () => void }[] = []

  now(): number {
    return this.#nowMs
  }

  after(milliseconds: number, action: () => void): () => void {
    const timer = { atMs: this.#nowMs + milliseconds, action }
    this.#timers.push(timer)
    return () => {
      this.#timers = this.#timers.filter(other => other !== timer)
    }
  }

  /** Does what is due by then, in order. */
  advance(milliseconds: number): void {
    const untilMs = this.#nowMs + milliseconds
    while (true) {
      const due = this.#timers.filter(({ atMs }) => atMs <= untilMs).sort((a, b) => a.atMs - b.atMs)[0]
      if (due === undefined) break
      this.#timers = this.#timers.filter(other => other !== due)
      this.#nowMs = Math.max(this.#nowMs, due.atMs)
      due.action()
    }
    this.#nowMs = untilMs
  }
}

/** One virtual worker; tests change its fields. */
export interface VirtualWorker {
  models: string[]
  status: 'ready' | 'loading' | 'draining' | 'failed'
  protocolVersion: number
  load: WorkerReadiness['load']
  /** Ids of the audio that it holds encoded. */
  cachedAudio: string[]
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
      load: { running: 0, waiting: 0, slots: 4 },
      cachedAudio: [],
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
    // undici's copy of the signal follows the original only as long as nobody collects the request.
    if (init?.signal) Object.defineProperty(request, 'signal', { value: init.signal })
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
  const body: WorkerReadiness = {
    status: worker.status,
    protocol_version: worker.protocolVersion,
    models: worker.models,
    load: worker.load,
    cached_audio: BloomFilter.of(worker.cachedAudio).toData(),
  }
  return Response.json(body, { status: worker.status === 'ready' ? 200 : 503 })
}

function modelList(models: readonly string[]): object {
  return { object: 'list', data: models.map(id => ({ id, object: 'model', created: 1, owned_by: 'test' })) }
}
