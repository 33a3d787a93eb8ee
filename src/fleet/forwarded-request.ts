/** A request on its way to a worker: what a route hands to the fleet. */
import type { EdgeTrace } from '../observability/edge-trace.ts'
import type { AudioKey } from './choose.ts'

export interface ForwardedRequest {
  model: string
  path: string
  requestId: string
  tenant: string
  body: Uint8Array
  /** What follows `body` and is still to come. Once a worker has begun to take it, no other can be asked. */
  rest?: ReadableStream<Uint8Array>
  /** `application/json` unless said, e.g. a multipart type with its boundary. */
  contentType?: string
  /** More headers for the worker, in lower case. */
  headers?: Readonly<Record<string, string>>
  /** Milliseconds from now to the end of the answer; null or absent: no limit of the caller's. */
  timeoutMs?: number | null
  /** The client asked for events: such an answer may be opened before a worker is there. */
  stream?: boolean
  /** What its audio is known by, the first of the conversation first: requests about the same audio go to the same worker. */
  audio?: readonly AudioKey[]
  /** Worth asking a second worker when the first is slow: short, and nothing of it is streamed. */
  hedge?: boolean
  /** Where it is noted to whom it is sent. */
  trace?: Pick<EdgeTrace, 'begin'>
  signal: AbortSignal
  /** Keeps a promise alive after the answer (waitUntil on Workers). */
  background: (work: Promise<unknown>) => void
}
