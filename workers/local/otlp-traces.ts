/** The edge's spans over OTLP/HTTP, as OpenTelemetry has them. Imported only where an endpoint is configured. */
import { ROOT_CONTEXT, SpanKind, SpanStatusCode, type Tracer, trace } from '@opentelemetry/api'
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http'
import { resourceFromAttributes } from '@opentelemetry/resources'
import { BatchSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import type { EdgeSpan } from '../../src/observability/edge-trace.ts'

/** Sends spans where `OTEL_EXPORTER_OTLP_ENDPOINT` says; the exporter reads that and its like by itself. */
export class EdgeOtlpTraces {
  readonly #provider: TracerProvider
  readonly #tracer: Tracer
  /** The span that is being made: its ids went to the worker long ago. */
  #ids = { traceId: '', spanId: '' }

  constructor(serviceName: string) {
    this.#provider = new TracerProvider({
      resource: resourceFromAttributes({ 'service.name': serviceName }),
      spanProcessors: [new BatchSpanProcessor({ exporter: new OTLPTraceExporter() })],
      idGenerator: {
        generateTraceId: () => this.#ids.traceId,
        generateSpanId: () => this.#ids.spanId,
      },
    })
    this.#tracer = this.#provider.getTracer('auricle')
  }

  /** Takes the spans of one request. */
  tell(spans: readonly EdgeSpan[]): void {
    for (const span of spans) {
      const { traceId, spanId, parentSpanId } = span
      this.#ids = { traceId, spanId }
      const parent = parentSpanId === null ? null : { traceId, spanId: parentSpanId, traceFlags: 1 }
      const made = this.#tracer.startSpan(
        span.name,
        {
          kind: span.kind === 'server' ? SpanKind.SERVER : SpanKind.CLIENT,
          startTime: wallClock(span.startMs),
          attributes: span.attributes,
        },
        parent === null ? ROOT_CONTEXT : trace.setSpanContext(ROOT_CONTEXT, parent),
      )
      if (span.error !== null) made.setStatus({ code: SpanStatusCode.ERROR, message: span.error })
      made.end(wallClock(span.endMs))
    }
  }

  /** Sends what is left. */
  async close(): Promise<void> {
    await this.#provider.shutdown()
  }
}

/** From `performance.now()` to milliseconds since 1970. */
function wallClock(milliseconds: number): number {
  return performance.timeOrigin + milliseconds
}
