/** Complete answers, kept for a day under the key that the caller gave the request: `tenants/<tenant>/idempotency/<hash>`. */
import * as z from 'zod'
import { type ObjectStore, readAll } from '../storage/object-store.ts'
import { AnswerLog, maxAnswerBytes } from './answer-log.ts'

/** How long an answer is kept, as Stripe does. */
export const answerLifetimeMs = 86_400_000

/** First line of an object; what follows is the body. */
const Header = z.object({
  fingerprint: z.string(),
  status: z.int(),
  headers: z.array(z.tuple([z.string(), z.string()])),
  created_at_ms: z.number(),
  /** Bytes of each chunk: an event each, where the answer is a stream of events. */
  chunks: z.array(z.int()),
})

export interface KeptAnswer {
  fingerprint: string
  log: AnswerLog
}

/** @param hash of the key, in hexadecimal */
export async function loadAnswer(
  store: ObjectStore,
  tenant: string,
  hash: string,
  nowMs: number,
): Promise<KeptAnswer | null> {
  const content = await store.get(objectKey(tenant, hash))
  if (content === null) return null
  const bytes = await readAll(content.body as unknown as AsyncIterable<Uint8Array>)
  const end = bytes.indexOf(10)
  const header = Header.parse(JSON.parse(new TextDecoder().decode(bytes.subarray(0, end))))
  if (nowMs - header.created_at_ms > answerLifetimeMs) return null
  const chunks: Uint8Array[] = []
  let at = end + 1
  for (const length of header.chunks) {
    chunks.push(bytes.subarray(at, at + length))
    at += length
  }
  const log = new AnswerLog({ status: header.status, headers: header.headers }, chunks).close()
  return { fingerprint: header.fingerprint, log }
}

/** Keeps an answer that is complete. */
export async function saveAnswer(
  store: ObjectStore,
  tenant: string,
  hash: string,
  { fingerprint, log }: KeptAnswer,
  nowMs: number,
): Promise<void> {
  const chunks = log.whole()
  if (chunks === null) return
  const header: z.infer<typeof Header> = {
    fingerprint,
    ...log.head,
    created_at_ms: nowMs,
    chunks: chunks.map(chunk => chunk.byteLength),
  }
  const body = new Blob([`${JSON.stringify(header)}\n`, ...(chunks as Uint8Array<ArrayBuffer>[])]).stream()
  const options = { contentType: 'application/octet-stream', maxBytes: 2 * maxAnswerBytes }
  await store.put(objectKey(tenant, hash), body, options)
}

const objectKey = (tenant: string, hash: string) => `tenants/${tenant}/idempotency/${hash}`
