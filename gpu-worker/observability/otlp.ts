/**
 * Traces as OpenTelemetry spans over OTLP/HTTP. Imported only where an endpoint is configured; spans are made when
 * a request has ended, from what was noted, and sent in batches.
 */
import { type Context, ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { W3CTraceContextPropagator } from '@opentelemetry/core'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { EndedRequest, RequestObserver } from './request-trace.ts'

const propagator = new W3CTraceContextPropagator()
const headerGetter = {
  get: (headers: Headers, name: string) => headers.get(name) ?? undefined,
  keys: (headers: Headers) => [...headers.keys()],
}

/** Sends traces where `OTEL_EXPORTER_OTLP_ENDPOINT` says; the exporter reads that and its like by itself. */
export class OtlpTraces implements RequestObserver {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer

  constructor(serviceName: string) {
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': serviceName }),
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
    })
    this.#tracer = this.#provider.getTracer('auricle')
  }

  /** A span of the request, under the caller's where it names one, and below it one of each stage. */
  ended(request: EndedRequest): void {
    const parent = propagator.extract(ROOT_CONTEXT, request.headers, headerGetter)
    const root = this.#tracer.startSpan(
      request.route,
      {
        kind: SpanKind.SERVER,
        startTime: wallClock(request.startMs),
        attributes: attributesOf(request),
      },
      parent,
    )
    if (request.errorCode !== null) root.setStatus({ code: SpanStatusCode.ERROR, message: request.errorCode })
    const inside: Context = trace.setSpan(parent, root)
    for (const { stage, startMs, endMs, attributes } of request.spans) {
      const options = { startTime: wallClock(startMs), attributes: prefixed(attributes) }
      this.#tracer.startSpan(stage, options, inside).end(wallClock(endMs))
    }
    root.end(wallClock(request.endMs))
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    await this.#provider.shutdown()
  }
}

/** Names of OpenTelemetry's semantic conventions where it has them. */
function attributesOf({ id, route, status, errorCode, sequences, startMs, firstTokenMs }: EndedRequest) {
  const [method, path] = route.split(' ')
  const sum = (values: readonly number[]) => values.reduce((total, value) => total + value, 0)
  return {
    'http.request.method': method,
    'http.route': path,
    'http.response.status_code': status,
    'auricle.request_id': id,
    ...(errorCode === null ? {} : { 'error.type': errorCode }),
    ...(sequences.length === 0
      ? {}
      : {
          'gen_ai.request.model': sequences[0]!.model,
          'gen_ai.response.finish_reasons': sequences.map(({ reason }) => reason),
          'gen_ai.usage.input_tokens': sequences[0]!.promptTokens,
          'gen_ai.usage.output_tokens': sum(sequences.map(({ generatedTokens }) => generatedTokens)),
        }),
    ...(firstTokenMs === null
      ? {}
      : { 'gen_ai.server.time_to_first_token': (firstTokenMs - startMs) / 1000 }),
  }
}

function prefixed(attributes: Readonly<Record<string, string | number>>): Record<string, string | number> {
  return Object.fromEntries(Object.entries(attributes).map(([name, value]) => [`auricle.${name}`, value]))
}

/** From `performance.now()` to milliseconds since 1970. */
function wallClock(milliseconds: number): number {
  return performance.timeOrigin + milliseconds
}
