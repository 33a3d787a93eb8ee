/** What the fleet needs of a fetch: the platform's own will do, and so will what asks for less (workers/local/worker-fetch.ts). */

/** A request to a worker. */
export interface WorkerRequestInit {
  method?: string
  headers?: Record<string, string>
  body?: BodyInit
  signal: AbortSignal
  /** `manual`: a worker of ours never redirects, and what isn't one isn't followed. */
  redirect?: 'follow' | 'manual'
  /** For a body that is still coming: it is sent before the answer is read. */
  duplex?: 'half'
}

/** An answer of a worker. Headers are asked for in lower case. */
export interface WorkerResponse {
  readonly ok: boolean
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStream<Uint8Array> | null
  text(): Promise<string>
  json(): Promise<unknown>
}

/** Rejects where nothing was answered; with the signal's reason once it has aborted. */
export type WorkerFetch = (url: string, init: WorkerRequestInit) => Promise<WorkerResponse>
