/** One trace of a request, across the edge and the worker, as a collector of OpenTelemetry's gets it. */
import { afterEach, expect, test, vi } from 'vitest'
import { fakeChatModel } from '../../gpu-worker/fake-chat-model.ts'
import { OtlpTraces } from '../../gpu-worker/observability/otlp.ts'
import { createWorkerApp } from '../../gpu-worker/server.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { closeServer, listen } from '../support/listen.ts'
import { startOtlpCollector } from '../support/otlp-collector.ts'
import { silentWav } from '../support/wav.ts'

afterEach(() => vi.unstubAllEnvs())

test.each([false, true])('edge request, attempt, worker, its stages; streamed: %s', async stream => {
  const collector = await startOtlpCollector()
  vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', collector.url)
  const workerTraces = new OtlpTraces('auricle-worker')
  const models = new Map([['fake', fakeChatModel('Hello')]])
  const observers = [workerTraces]
  const worker = await listen(
    createWorkerApp({ status: 'ready', models, speechModels: new Map() }, defaultLimits, { observers }),
  )
  const edge = await startLocal(
    readConfiguration({
      PORT: '0',
      AURICLE_WORKERS: worker.url,
      AURICLE_LOG_LEVEL: 'silent',
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
    }),
    {},
  )
  await edge.ready()
  const audio = { type: 'input_audio', input_audio: { data: await silentWav(0.1) } }
  const response = await fetch(`${edge.url}/v1/chat/completions`, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01',
    },
    body: JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: [audio] }], stream }),
  })
  expect(response.status).toBe(200)
  await response.text()
  await edge.stop()
  await workerTraces.close()
  await closeServer(worker)
  await collector.stop()

  const { spans } = collector
  expect(new Set(spans.map(({ traceId }) => traceId))).toEqual(new Set(['0af7651916cd43dd8448eb211c80319c']))
  const below = (parent: string) => spans.filter(({ parentSpanId }) => parentSpanId === parent)
  const [request] = below('b7ad6b7169203331')
  expect(request).toMatchObject({ service: 'auricle-edge', name: 'POST /v1/chat/completions' })
  const [attempt] = below(request!.spanId)
  expect(attempt).toMatchObject({ service: 'auricle-edge', name: 'attempt' })
  const [atWorker] = below(attempt!.spanId)
  expect(atWorker).toMatchObject({ service: 'auricle-worker', name: 'POST /v1/chat/completions' })
  const stages = below(atWorker!.spanId).map(({ name }) => name)
  expect(stages).toContain('audio_encode')
  expect(stages).toContain('decode')
  expect(spans).toHaveLength(3 + stages.length)
  // Each lies within the one above it: a millisecond of the clocks' rounding allowed.
  for (const [outer, inner] of [
    [request, attempt],
    [attempt, atWorker],
  ]) {
    expect(Number(inner!.startTimeUnixNano)).toBeGreaterThanOrEqual(Number(outer!.startTimeUnixNano) - 1e6)
    expect(Number(inner!.endTimeUnixNano)).toBeLessThanOrEqual(Number(outer!.endTimeUnixNano) + 1e6)
  }
})
