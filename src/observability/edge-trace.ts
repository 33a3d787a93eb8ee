/**
 * A request's trace at the edge (W3C Trace Context): a span of the request, under the caller's where it names one, and
 * below it one of each attempt, which goes on to the worker as the parent of its spans. So one trace shows all of it,
 * also where nobody collects the edge's own spans: on Workers.
 */
import type { MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import { routeOf } from './request-record.ts'

export type SpanAttributes = Readonly<Record<string, string | number>>

/** A span that has ended; times are those of `performance.now()`. */
export interface EdgeSpan {
  /** 32 hexadecimal digits. */
  traceId: string
  /** 16. */
  spanId: string
  /** The caller's, for the request's own; null where there is none. */
  parentSpanId: string | null
  name: string
  kind: 'server' | 'client'
  startMs: number
  endMs: number
  attributes: SpanAttributes
  /** What failed, in a word; null where nothing did. */
  error: string | null
}

/** One of the things that a request does, while it does it. */
export interface OpenSpan {
  /** What the next server is told, so that its spans stand below this one. */
  readonly headers: Readonly<Record<string, string>>
  end(attributes: SpanAttributes, error: string | null): void
}

/** Told of all spans of a request when the last one has ended, if the caller wants the trace recorded. */
export type TellSpans = (spans: readonly EdgeSpan[]) => void

export class EdgeTrace {
  readonly traceId: string
  readonly #parentSpanId: string | null
  readonly #flags: string
  readonly #state: string | null
  readonly #spanId = randomHex(8)
  readonly #tell: TellSpans | null
  readonly #startMs = performance.now()
  readonly #spans: EdgeSpan[] = []
  /** The request's own span is one of them. */
  #open = 1

  /** @param headers of the caller's request: what they say wrong counts as not said */
  constructor(headers: Headers, tell: TellSpans | null) {
    const [, version, traceId, spanId, flags] =
      /^([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-|$)/.exec(
        headers.get('traceparent') ?? '',
      ) ?? []
    const isValid = version !== 'ff' && !/^0*$/.test(traceId ?? '') && !/^0*$/.test(spanId ?? '')
    this.traceId = isValid ? traceId! : randomHex(16)
    this.#parentSpanId = isValid ? spanId! : null
    this.#flags = isValid ? flags! : '01'
    this.#state = isValid ? headers.get('tracestate') : null
    const isSampled = (Number.parseInt(this.#flags, 16) & 1) === 1
    this.#tell = isSampled ? tell : null
  }

  /** Begins a request to another server. */
  begin(name: string): OpenSpan {
    const spanId = randomHex(8)
    const startMs = performance.now()
    this.#open++
    let ended = false
    return {
      headers: {
        traceparent: `00-${this.traceId}-${spanId}-${this.#flags}`,
        ...(this.#state !== null && { tracestate: this.#state }),
      },
      end: (attributes, error) => {
        if (ended) return
        ended = true
        const { traceId } = this
        const endMs = performance.now()
        const parentSpanId = this.#spanId
        this.#add({ traceId, spanId, parentSpanId, name, kind: 'client', startMs, endMs, attributes, error })
      },
    }
  }

  /** The answer is there; the request's span ends with the last of its attempts, as a stream does. */
  respond(name: string, attributes: SpanAttributes, error: string | null): void {
    this.#add({
      traceId: this.traceId,
      spanId: this.#spanId,
      parentSpanId: this.#parentSpanId,
      name,
      kind: 'server',
      startMs: this.#startMs,
      endMs: performance.now(),
      attributes,
      error,
    })
  }

  #add(span: EdgeSpan): void {
    if (this.#tell === null) return
    this.#spans.push(span)
    if (--this.#open > 0) return
    const endMs = Math.max(...this.#spans.map(each => each.endMs))
    this.#tell(this.#spans.map(each => (each.kind === 'server' ? { ...each, endMs } : each)))
  }
}

/** Gives each request its trace. @param tell null: the trace goes on to the worker, and nowhere else */
export function traceRequests(tell: TellSpans | null): MiddlewareHandler<EdgeEnv> {
  return createMiddleware(async (context, next) => {
    const trace = new EdgeTrace(context.req.raw.headers, tell)
    context.set('trace', trace)
    await next()
    const { status } = context.res
    const route = routeOf(context)
    const attributes = {
      'http.request.method': context.req.method,
      'http.route': route,
      'http.response.status_code': status,
      'auricle.request_id': context.get('requestId'),
    }
    trace.respond(`${context.req.method} ${route}`, attributes, status >= 500 ? String(status) : null)
  })
}

function randomHex(bytes: number): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(bytes)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}
