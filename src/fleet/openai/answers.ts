/** Answers of a server that isn't ours, whole or in events, as the answers of our endpoints. */
import { serializeErrorEvent } from '../../protocol/error-response.ts'
import { type ApiError, toApiError, toErrorBody, toErrorHeaders } from '../../protocol/errors.ts'
import { doneData, ServerSentEventParser, serializeEvent } from '../../protocol/sse.ts'
import type { WorkerResponse } from '../worker-fetch.ts'
import { toOurError } from './errors.ts'
import { countOf, type Json, objectOf, parseObject } from './json.ts'

/** A body and its type. */
export interface OurAnswer {
  contentType: string
  body: string
}

export const jsonType = 'application/json'

/**
 * @param toAnswer from what the server said to what we say
 * @param mend changes an error, where it is of something that we sent and not the caller
 */
export async function normalize(
  response: WorkerResponse,
  toAnswer: (value: Json | null, text: string) => OurAnswer,
  mend: (error: ApiError) => ApiError = error => error,
): Promise<Response> {
  const text = await response.text()
  const value = parseObject(text)
  if (response.ok) {
    const { contentType, body } = toAnswer(value, text)
    return new Response(body, { headers: { 'content-type': contentType } })
  }
  const error = mend(toOurError(response.status, value, response.headers.get('retry-after')))
  return Response.json(toErrorBody(error), { status: error.status, headers: toErrorHeaders(error) })
}

/** Makes the events of one stream ours. */
export class EventRewriter {
  readonly #toEvents: (value: Json) => object[]
  readonly #toEnd: () => object[]
  readonly #mend: (error: ApiError) => ApiError
  #failed = false

  /**
   * @param toEvents an event of theirs as events of ours, none among them
   * @param toEnd what comes before the end
   */
  constructor(
    toEvents: (value: Json) => object[],
    toEnd: () => object[] = () => [],
    mend: (error: ApiError) => ApiError = error => error,
  ) {
    this.#toEvents = toEvents
    this.#toEnd = toEnd
    this.#mend = mend
  }

  /** Bytes of an event in, bytes of ours out, which may be none. */
  rewrite(event: Uint8Array): Uint8Array {
    return new TextEncoder().encode(this.#failed ? '' : this.#toText(event))
  }

  #toText(event: Uint8Array): string {
    const [parsed] = new ServerSentEventParser().push(event)
    if (parsed === undefined) return ''
    if (parsed.data === doneData) return `${write(this.#toEnd())}data: ${doneData}\n\n`
    const value = parseObject(parsed.data)
    try {
      const error = objectOf(value?.['error'])
      if (value === null) throw toOurError(502, null)
      if (error !== null) throw this.#mend(toOurError(countOf(error['code']) || 500, value))
      return write(this.#toEvents(value))
    } catch (error) {
      this.#failed = true
      return serializeErrorEvent(toApiError(error))
    }
  }
}

function write(events: readonly object[]): string {
  return events.map(event => serializeEvent({ data: JSON.stringify(event) })).join('')
}
