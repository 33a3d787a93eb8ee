/**
 * A request as its worker gets it. One of ours gets it as it came. Another server of OpenAI's wire (vLLM) gets its own
 * words, a key, and nothing that is between us; what it answers is made ours again (`openai/conversion.ts`).
 */
import { audioSecondsHeader, tenantHeader } from '../protocol/worker-headers.ts'
import type { FileLibrary } from '../storage/file-library.ts'
import { readAll } from '../storage/object-store.ts'
import type { WorkerAddress } from './choose.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import { convert } from './openai/conversion.ts'
import type { HeardAudio } from './openai/heard-audio.ts'
import type { WorkerResponse } from './worker-fetch.ts'

export interface UpstreamRequest {
  url: string
  headers: Record<string, string>
  body: BodyInit
  /** Headers for the answer that the worker doesn't send itself. */
  answerHeaders: Readonly<Record<string, string>>
  /** Makes a whole answer ours; null where it is. */
  normalize: ((response: WorkerResponse) => Promise<Response>) | null
  /** Makes an event of a stream ours; null where it is. */
  rewriteEvent: ((event: Uint8Array) => Uint8Array) | null
}

/** What servers that aren't ours can't find out, or don't tell. */
export interface UpstreamTools {
  heard: HeardAudio
  /** Files that were uploaded; null where none are kept. */
  files: FileLibrary | null
}

/** @throws ApiError for what another server can't do */
export async function toUpstream(
  worker: WorkerAddress,
  request: ForwardedRequest,
  { heard, files }: UpstreamTools,
): Promise<UpstreamRequest> {
  const { openai } = worker
  if (openai === undefined) {
    const headers = {
      ...request.headers,
      'content-type': request.contentType ?? 'application/json',
      'x-request-id': request.requestId,
      [tenantHeader]: request.tenant,
    }
    const body = (
      request.rest === undefined ? request.body : streamed(request.body, request.rest)
    ) as BodyInit
    const url = `${worker.url}${request.path}`
    return { url, headers, body, answerHeaders: {}, normalize: null, rewriteEvent: null }
  }
  const whole =
    request.rest === undefined
      ? request.body
      : await readAll(streamed(request.body, request.rest) as unknown as AsyncIterable<Uint8Array>)
  const context = { server: worker.id, openai, request, heard, files }
  const conversion = await convert(request, whole, context)
  const { path, body, contentType, audio } = conversion
  const headers: Record<string, string> = { 'x-request-id': request.requestId }
  const traceparent = request.headers?.['traceparent']
  if (traceparent !== undefined) headers['traceparent'] = traceparent
  if (openai.apiKey !== null) headers['authorization'] = `Bearer ${openai.apiKey}`
  if (contentType !== null) headers['content-type'] = contentType
  const seconds = audio.reduce((total, each) => total + each.seconds_received, 0)
  return {
    url: `${worker.url}${path}`,
    headers,
    body,
    answerHeaders: audio.length === 0 ? {} : { [audioSecondsHeader]: seconds.toFixed(3) },
    normalize: async response => {
      const answer = await conversion.normalize(response)
      // It has forgotten one of them, and doesn't say which.
      if (answer.status === 404)
        for (const each of audio) heard.forget(worker.id, request.tenant, each.audio_id)
      return answer
    },
    rewriteEvent: event => conversion.rewriteEvent(event),
  }
}

/** The head of a body and what follows, of which nothing is taken (`rest.locked`) before the head is on its way. */
function streamed(head: Uint8Array, rest: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
  let isHeadTaken = false
  let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
  return new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        if (!isHeadTaken) {
          isHeadTaken = true
          return controller.enqueue(head)
        }
        reader ??= rest.getReader()
        const { done, value } = await reader.read()
        if (done) controller.close()
        else controller.enqueue(value)
      },
      cancel: reason => reader?.cancel(reason),
    },
    { highWaterMark: 0 },
  )
}
