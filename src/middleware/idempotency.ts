/**
 * `Idempotency-Key`, as Stripe has it: a request that is sent again under the same key is not done again; it gets the
 * same answer, byte for byte. Such an answer outlives its connection: a stream that broke goes on where the
 * caller says, by `Last-Event-ID`.
 */
import type { Context, MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import { backgroundOf } from '../background.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { AnswerLog } from '../idempotency/answer-log.ts'
import { type KeptAnswer, loadAnswer, saveAnswer } from '../idempotency/answer-store.ts'
import { sha256Hex } from '../keys/api-key.ts'
import { ApiError } from '../protocol/errors.ts'
import { readBody } from '../protocol/read-body.ts'
import type { ObjectStore } from '../storage/object-store.ts'

export interface IdempotencyOptions {
  store: ObjectStore
  maxBodyBytes: number
  /** Unix time in milliseconds. */
  now: () => number
}

/** A new key is never kept, and files are found by their content. */
const exempt = ['/v1/admin/', '/v1/files', '/v1/uploads', '/v1/ngram-models']

/** After the answer has ended it can be read from memory for so long, stored or not. */
const lingerMs = 60_000
const maxKeyCharacters = 255

/** What is being done under a key. */
interface Doing {
  fingerprint: string
  /** Null: it was refused before anything was done; whoever comes next does it. */
  answer: Promise<AnswerLog | null>
}

/** The middleware, for requests that ask for an answer and have the header; every other one passes. */
export function idempotency({ store, maxBodyBytes, now }: IdempotencyOptions): MiddlewareHandler<EdgeEnv> {
  const doing = new Map<string, Doing>()

  return createMiddleware<EdgeEnv>(async (context, next) => {
    const key = context.req.header('idempotency-key')
    const { method, path } = context.req
    if (key === undefined || method !== 'POST' || exempt.some(start => path.startsWith(start))) return next()
    if (key.length === 0 || key.length > maxKeyCharacters) {
      throw invalid('Idempotency-Key', `expected 1 to ${maxKeyCharacters} characters`)
    }
    const after = lastEventId(context)
    const tenant = context.get('tenant')
    const body = await readBody(context.req.raw, maxBodyBytes)
    const [hash, fingerprint] = await Promise.all([
      sha256Hex(key),
      sha256Hex(`${context.req.path}\n${await digest(body)}`),
    ])
    const place = `${tenant}/${hash}`

    while (true) {
      const current = doing.get(place)
      if (current !== undefined) {
        checkFingerprint(current.fingerprint, fingerprint)
        const log = await current.answer
        if (log !== null) return replay(log, after, true)
        continue
      }
      const { promise, resolve } = Promise.withResolvers<AnswerLog | null>()
      doing.set(place, { fingerprint, answer: promise })
      try {
        const kept = await loadAnswer(store, tenant, hash, now())
        if (kept !== null) {
          checkFingerprint(kept.fingerprint, fingerprint)
          resolve(null)
          doing.delete(place)
          return replay(kept.log, after, true)
        }
        if (after !== null) throw nothingToResume()
        // The caller may leave; what it began goes on, for when it comes back.
        context.req.raw = new Request(context.req.url, {
          method: 'POST',
          headers: context.req.raw.headers,
          body: body as Uint8Array<ArrayBuffer>,
        })
        await next()
      } catch (error) {
        resolve(null)
        doing.delete(place)
        throw error
      }
      const response = context.res
      if (!isOutcome(response)) {
        resolve(null)
        doing.delete(place)
        return
      }
      const log = new AnswerLog({ status: response.status, headers: contentHeaders(response) })
      resolve(log)
      backgroundOf(context)(keep(log, response.body, { fingerprint, tenant, hash, place }))
      context.res = undefined
      context.res = replay(log, null, false, response.headers)
      return
    }
  })

  async function keep(
    log: AnswerLog,
    body: ReadableStream<Uint8Array> | null,
    at: { fingerprint: string; tenant: string; hash: string; place: string },
  ): Promise<void> {
    await log.fill(body)
    const kept: KeptAnswer = { fingerprint: at.fingerprint, log }
    const saved = saveAnswer(store, at.tenant, at.hash, kept, now()).then(() => log.whole() !== null)
    const isSaved = await saved.catch(() => false)
    if (isSaved) doing.delete(at.place)
    // What can't be stored (it broke, or the store is down) can at least be read again for a while.
    else setTimeout(() => doing.delete(at.place), lingerMs)
  }
}

/**
 * Whether something was done: it worked, or failed while it was done. What was refused before (a wrong request, a limit,
 * no worker) may be sent again under the same key.
 */
function isOutcome({ status }: Response): boolean {
  return status < 400 || status === 500 || status === 502 || status === 504
}

function replay(log: AnswerLog, after: number | null, again: boolean, headers?: Headers): Response {
  const all = new Headers(headers ?? log.head.headers)
  if (again) all.set('idempotent-replayed', 'true')
  return new Response(log.read(after ?? 0), { status: log.head.status, headers: all })
}

/** Headers that belong to the answer, whenever it is given; the others are made anew for each request. */
function contentHeaders(response: Response): [string, string][] {
  return ['content-type', 'cache-control', 'x-should-retry', 'content-disposition'].flatMap(name => {
    const value = response.headers.get(name)
    return value === null ? [] : [[name, value] as [string, string]]
  })
}

function lastEventId(context: Context): number | null {
  const text = context.req.header('last-event-id')
  if (text === undefined) return null
  if (/^\d{1,9}$/.test(text)) return Number(text)
  throw invalid('Last-Event-ID', 'expected the id of an event of the stream, a number')
}

async function digest(bytes: Uint8Array): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>)
  return Array.from(new Uint8Array(hash), byte => byte.toString(16).padStart(2, '0')).join('')
}

function checkFingerprint(kept: string, sent: string): void {
  if (kept === sent) return
  throw new ApiError('idempotency_key_reused', {
    message: 'This Idempotency-Key was used for another request. Use a new key for a new request.',
    param: 'Idempotency-Key',
  })
}

function nothingToResume(): ApiError {
  return new ApiError('nothing_to_resume', {
    message:
      'Nothing is kept under this Idempotency-Key. Send the request without Last-Event-ID to begin again.',
    param: 'Last-Event-ID',
  })
}

function invalid(header: string, reason: string): ApiError {
  return new ApiError('invalid_request', { message: `Invalid ${header}: ${reason}.`, param: header })
}
