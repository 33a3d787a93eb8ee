/**
 * How a worker is spoken to. One of ours gets the request as it came. Another server of OpenAI's wire (vLLM) gets its
 * own name of the model, a key, and nothing that is between us; its errors and model names are made ours again.
 */
import { ApiError, ErrorBody, type ErrorCode, toErrorBody } from '../protocol/errors.ts'
import { ServerSentEventParser, serializeEvent } from '../protocol/sse.ts'
import { tenantHeader } from '../protocol/worker-headers.ts'
import { readAll } from '../storage/object-store.ts'
import type { OpenAiUpstream, WorkerAddress } from './choose.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import type { WorkerResponse } from './worker-fetch.ts'

/** A request in the words of its worker, and the way back. */
export interface UpstreamRequest {
  url: string
  headers: Record<string, string>
  body: BodyInit
  /** Makes a whole answer ours; null where it is. */
  normalize: ((response: WorkerResponse) => Promise<Response>) | null
  /** Makes an event of a stream ours; null where it is. */
  rewriteEvent: ((event: Uint8Array) => Uint8Array) | null
}

const jsonType = 'application/json'

export async function toUpstream(worker: WorkerAddress, request: ForwardedRequest): Promise<UpstreamRequest> {
  const contentType = request.contentType ?? jsonType
  const url = `${worker.url}${request.path}`
  const { openai } = worker
  if (openai === undefined) {
    const headers = {
      ...request.headers,
      'content-type': contentType,
      'x-request-id': request.requestId,
      [tenantHeader]: request.tenant,
    }
    const body = (
      request.rest === undefined ? request.body : streamed(request.body, request.rest)
    ) as BodyInit
    return { url, headers, body, normalize: null, rewriteEvent: null }
  }
  const model = openai.models[request.model] ?? request.model
  const headers: Record<string, string> = { 'x-request-id': request.requestId }
  const traceparent = request.headers?.['traceparent']
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  if (openai.apiKey !== null) headers['authorization'] = `Bearer ${openai.apiKey}`
  // Its model has another name, so the body must be held.
  const whole =
    request.rest === undefined
      ? request.body
      : await readAll(streamed(request.body, request.rest) as unknown as AsyncIterable<Uint8Array>)
  const renamed = contentType.startsWith(jsonType)
    ? renameInJson(whole, model)
    : await renameInForm(whole, contentType, model)
  // A form brings its own type, with its boundary.
  if (typeof renamed === 'string') headers['content-type'] = jsonType
  return {
    url,
    headers,
    body: renamed,
    normalize: response => normalize(response, request.model),
    rewriteEvent: event => rewriteEvent(event, request.model),
  }
}

/**
 * What `GET /v1/models` of another server says of the models that are asked for under our names.
 * @param list its answer
 */
export function servedHere(openai: OpenAiUpstream, list: unknown): string[] {
  const data = (list as { data?: unknown } | null)?.data
  const ids = new Set(Array.isArray(data) ? data.map(entry => (entry as { id?: unknown } | null)?.id) : [])
  return Object.entries(openai.models).flatMap(([ours, theirs]) => (ids.has(theirs) ? [ours] : []))
}

/** The head of a body and what follows. */
function streamed(head: Uint8Array, rest: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  writer
    .write(head)
    .then(() => {
      writer.releaseLock()
      return rest.pipeTo(writable)
    })
    .catch(error => rest.cancel(error).catch(() => {}))
  return readable
}

function renameInJson(body: Uint8Array, model: string): string {
  const value = JSON.parse(new TextDecoder().decode(body)) as Record<string, unknown>
  return JSON.stringify({ ...value, model })
}

async function renameInForm(body: Uint8Array, contentType: string, model: string): Promise<FormData> {
  const headers = { 'content-type': contentType }
  const form = await new Response(body as Uint8Array<ArrayBuffer>, { headers }).formData()
  form.set('model', model)
  return form
}

async function normalize(response: WorkerResponse, model: string): Promise<Response> {
  const text = await response.text()
  const value = parseJson(text)
  const type = response.headers.get('content-type') ?? jsonType
  if (response.ok) {
    const isNamed = typeof value?.['model'] === 'string'
    return new Response(isNamed ? JSON.stringify({ ...value, model }) : text, {
      headers: { 'content-type': type },
    })
  }
  const code = codeOf(response.status)
  const retryAfter = response.headers.get('retry-after')
  const headers = retryAfter === null ? undefined : { 'retry-after': retryAfter }
  const parsed = ErrorBody.safeParse(value)
  // What the caller did wrong is told in the server's words; what is wrong with our access to it is not.
  const isCallers = code === 'invalid_request' || code === 'payload_too_large'
  const theirs = parsed.data?.error.message ?? messageOf(value)
  const message =
    isCallers && theirs !== null ? theirs : `The upstream answered with status ${response.status}.`
  const error = new ApiError(code, { message, param: parsed.data?.error.param })
  return Response.json(toErrorBody(error), { status: error.status, ...(headers && { headers }) })
}

/** vLLM has had its message beside the error, and its code as a number. */
function messageOf(value: Record<string, unknown> | null): string | null {
  const inner = value?.['error']
  const source = typeof inner === 'object' && inner !== null ? (inner as Record<string, unknown>) : value
  const message = source?.['message']
  return typeof message === 'string' ? message : null
}

function codeOf(status: number): ErrorCode {
  if (status === 413) return 'payload_too_large'
  if (status === 400 || status === 422) return 'invalid_request'
  if (status === 429 || status === 503) return 'overloaded'
  // Also 401 and 404: that the edge was set up with a wrong key or name is not the caller's doing.
  return 'worker_failed'
}

function rewriteEvent(event: Uint8Array, model: string): Uint8Array {
  const [parsed] = new ServerSentEventParser().push(event)
  const value = parsed === undefined ? null : parseJson(parsed.data)
  if (parsed === undefined || typeof value?.['model'] !== 'string') return event
  return new TextEncoder().encode(serializeEvent({ ...parsed, data: JSON.stringify({ ...value, model }) }))
}

function parseJson(text: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : null
  } catch {
    return null
  }
}
