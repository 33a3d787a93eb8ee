/**
 * `POST /fleet/v1/beats`: a worker tells the edge that it is there and how it is, again and again. The body is its
 * readiness and where it is reached; the header `x-auricle-signature` proves that it knows the fleet's secret.
 */
import * as z from 'zod'
import { ApiError } from './errors.ts'
import { protocolVersion, WorkerReadiness } from './health.ts'

/** Where beats go. */
export const beatPath = '/fleet/v1/beats'
export const signatureHeader = 'x-auricle-signature'
/** Most bytes of a beat: the filter of cached audio is the most of it. */
export const maxBeatBytes = 1024 * 1024

/** Where a worker is reached. A worker that was started again has another id: what was known of it is over. */
const WorkerIdentity = z.object({
  id: z.string().regex(/^[\w.:-]{1,128}$/),
  /** Origin under which the edge reaches it. */
  url: z
    .url({ protocol: /^https?$/, error: 'expected an http or https URL' })
    .max(2048)
    .transform(url => new URL(url).origin),
})

/** A beat of a worker that speaks our protocol. */
export const WorkerBeat = WorkerReadiness.extend({
  worker: WorkerIdentity,
  protocol_version: z.literal(protocolVersion),
})

/** A beat of any other: all that is sure of it. */
export const ForeignBeat = z.object({
  worker: WorkerIdentity,
  protocol_version: z.int().refine(version => version !== protocolVersion),
})

export const Beat = z.union([WorkerBeat, ForeignBeat])
export type Beat = z.infer<typeof Beat>
/** What a worker sends. */
export type BeatBody = z.input<typeof WorkerBeat>

/** The answer: when to beat again. */
export const BeatReceipt = z.object({ next_in_ms: z.int().min(100) })
export type BeatReceipt = z.infer<typeof BeatReceipt>

/** How far apart the clocks of worker and edge may be, and so for how long a nonce has to be remembered twice over. */
export const signatureWindowMs = 60_000

/**
 * The header's value: `t=<milliseconds since 1970>,n=<nonce>,v1=<HMAC-SHA256 in hexadecimal>`, over time, nonce and
 * body, so that neither can be changed and no beat can be sent twice.
 * @param nonce 1 to 64 letters and digits, never the same again
 */
export async function signBeat(
  secret: string,
  body: Uint8Array,
  timeMs: number,
  nonce: string,
): Promise<string> {
  const signature = await crypto.subtle.sign('HMAC', await keyOf(secret, 'sign'), signed(timeMs, nonce, body))
  const hex = Array.from(new Uint8Array(signature), byte => byte.toString(16).padStart(2, '0')).join('')
  return `t=${timeMs},n=${nonce},v1=${hex}`
}

/**
 * Checks a signature, and gives its nonce, which the caller has to refuse when it has seen it.
 * @param secrets any of them will do: two while one replaces the other
 * @throws ApiError invalid_signature
 */
export async function verifyBeat(
  secrets: readonly string[],
  header: string | null,
  body: Uint8Array,
  nowMs: number,
): Promise<string> {
  const [, time, nonce, hex] =
    /^t=(\d{1,15}),n=([A-Za-z0-9]{1,64}),v1=([0-9a-f]{64})$/.exec(header ?? '') ?? []
  if (time === undefined || nonce === undefined || hex === undefined)
    throw refused('it is missing or malformed')
  if (Math.abs(nowMs - Number(time)) > signatureWindowMs) throw refused('its time is more than a minute off')
  const signature = Uint8Array.from(hex.match(/../g)!, pair => Number.parseInt(pair, 16))
  for (const secret of secrets) {
    const key = await keyOf(secret, 'verify')
    // Web Crypto compares in constant time.
    if (await crypto.subtle.verify('HMAC', key, signature, signed(Number(time), nonce, body))) return nonce
  }
  throw refused('it does not match')
}

/** @throws ApiError invalid_request for what is no beat of any version */
export function parseBeat(value: unknown): Beat {
  const parsed = Beat.safeParse(value)
  if (parsed.success) return parsed.data
  throw new ApiError('invalid_request', {
    message: 'Invalid beat: expected worker.id, worker.url, protocol_version and what GET /readyz answers.',
  })
}

function refused(why: string): ApiError {
  return new ApiError('invalid_signature', {
    message: `Invalid ${signatureHeader}: ${why}.`,
    param: signatureHeader,
  })
}

function signed(timeMs: number, nonce: string, body: Uint8Array): Uint8Array<ArrayBuffer> {
  const prefix = new TextEncoder().encode(`${timeMs}.${nonce}.`)
  const bytes = new Uint8Array(prefix.length + body.length)
  bytes.set(prefix)
  bytes.set(body, prefix.length)
  return bytes
}

function keyOf(secret: string, usage: 'sign' | 'verify'): Promise<CryptoKey> {
  const bytes = new TextEncoder().encode(secret)
  return crypto.subtle.importKey('raw', bytes, { name: 'HMAC', hash: 'SHA-256' }, false, [usage])
}
