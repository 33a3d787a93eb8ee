/**
 * Who has registered: the workers whose beats were heard lately. Node holds it in the process; on Cloudflare a Durable
 * Object holds it (workers/fleet) for all isolates.
 */
import * as z from 'zod'
import {
  Beat,
  type BeatReceipt,
  beatPath,
  parseBeat,
  BeatReceipt as Receipt,
  signatureHeader,
  signatureWindowMs,
  verifyBeat,
} from '../protocol/beat.ts'
import { ApiError, ErrorBody, type ErrorCode } from '../protocol/errors.ts'
import { parseJson } from '../protocol/read-body.ts'
import type { Clock } from './clock.ts'

/** A beat, and how long ago it was heard: clocks of two machines needn't agree. */
export const HeardBeat = z.object({ beat: Beat, heardAgoMs: z.number().min(0) })
export type HeardBeat = z.infer<typeof HeardBeat>

/** Where beats go and where the fleet looks. */
export interface Directory {
  /**
   * Takes a beat.
   * @throws ApiError invalid_signature, invalid_json, invalid_request, overloaded
   */
  accept(signature: string | null, body: Uint8Array): Promise<BeatReceipt>
  /** Every worker that was heard lately, with its last beat. */
  snapshot(): Promise<readonly HeardBeat[]>
}

export interface MemoryDirectoryOptions {
  /** Shared with the workers; two while one replaces the other. */
  secrets: readonly string[]
  clock: Clock
  /** How often workers are told to beat. */
  beatEveryMs?: number
  /** A worker that wasn't heard for so long isn't there. */
  lostAfterMs?: number
  maxWorkers?: number
}

export class MemoryDirectory implements Directory {
  readonly #secrets: readonly string[]
  readonly #clock: Clock
  readonly #beatEveryMs: number
  readonly #lostAfterMs: number
  readonly #maxWorkers: number
  readonly #heard = new Map<string, { beat: Beat; atMs: number }>()
  /** Nonces that were seen, and until when their time would be accepted. */
  readonly #nonces = new Map<string, number>()

  constructor(options: MemoryDirectoryOptions) {
    this.#secrets = options.secrets
    this.#clock = options.clock
    this.#beatEveryMs = options.beatEveryMs ?? 2_000
    this.#lostAfterMs = options.lostAfterMs ?? 5 * this.#beatEveryMs
    this.#maxWorkers = options.maxWorkers ?? 10_000
  }

  async accept(signature: string | null, body: Uint8Array): Promise<BeatReceipt> {
    const nonce = await verifyBeat(this.#secrets, signature, body, this.#clock.now())
    const nowMs = this.#clock.now()
    for (const [old, untilMs] of this.#nonces) {
      // In the order in which they came: the first that is still young ends it.
      if (untilMs > nowMs) break
      this.#nonces.delete(old)
    }
    if (this.#nonces.has(nonce)) {
      const message = `Invalid ${signatureHeader}: this beat was sent before.`
      throw new ApiError('invalid_signature', { message, param: signatureHeader })
    }
    this.#nonces.set(nonce, nowMs + 2 * signatureWindowMs)
    return this.hear(parseBeat(parseJson(body)))
  }

  /** Takes a beat whose signature is known to be good. */
  hear(beat: Beat): BeatReceipt {
    this.#dropLost()
    const { id } = beat.worker
    if (!this.#heard.has(id) && this.#heard.size >= this.#maxWorkers) {
      throw new ApiError('overloaded', {
        message: `The fleet has ${this.#maxWorkers} workers, which is all that this directory holds.`,
        retryAfterSeconds: 60,
      })
    }
    this.#heard.set(id, { beat, atMs: this.#clock.now() })
    return { next_in_ms: this.#beatEveryMs }
  }

  async snapshot(): Promise<readonly HeardBeat[]> {
    this.#dropLost()
    const nowMs = this.#clock.now()
    return [...this.#heard.values()].map(({ beat, atMs }) => ({ beat, heardAgoMs: nowMs - atMs }))
  }

  #dropLost(): void {
    const nowMs = this.#clock.now()
    for (const [id, { atMs }] of this.#heard) if (nowMs - atMs > this.#lostAfterMs) this.#heard.delete(id)
  }
}

/** The paths under which a directory is reached by fetch; they never leave the platform. */
const snapshotPath = '/fleet/v1/workers'

/** Answers for a directory; what a Durable Object does. */
export async function serveDirectory(directory: Directory, request: Request): Promise<Response> {
  const { pathname } = new URL(request.url)
  if (request.method === 'GET' && pathname === snapshotPath) return Response.json(await directory.snapshot())
  if (request.method === 'POST' && pathname === beatPath) {
    const body = new Uint8Array(await request.arrayBuffer())
    return Response.json(await directory.accept(request.headers.get(signatureHeader), body))
  }
  throw new ApiError('not_found', { message: 'The directory has beats and workers.' })
}

/** A directory elsewhere, served by `serveDirectory`. */
export class RemoteDirectory implements Directory {
  readonly #fetch: (request: Request) => Promise<Response>

  constructor(fetch: (request: Request) => Promise<Response>) {
    this.#fetch = fetch
  }

  async accept(signature: string | null, body: Uint8Array): Promise<BeatReceipt> {
    const headers = signature === null ? undefined : { [signatureHeader]: signature }
    const request = new Request(`https://directory${beatPath}`, {
      method: 'POST',
      body: body as Uint8Array<ArrayBuffer>,
      ...(headers && { headers }),
    })
    const response = await this.#fetch(request)
    if (response.ok) return Receipt.parse(await response.json())
    const { error } = ErrorBody.parse(await response.json())
    throw new ApiError((error.code ?? 'internal_error') as ErrorCode, {
      message: error.message,
      param: error.param,
    })
  }

  async snapshot(): Promise<readonly HeardBeat[]> {
    const response = await this.#fetch(new Request(`https://directory${snapshotPath}`))
    return z.array(HeardBeat).parse(await response.json())
  }
}
