// The worker's own account of itself, over HTTP with a fake model: metrics, timings, traces.
import { readFileSync } from 'node:fs'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { ChatCompletionChunk, Timings } from '../../src/protocol/chat-completions.ts'
import { WorkerReadiness } from '../../src/protocol/health.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import { startOtlpCollector } from '../../test/support/otlp-collector.ts'
import { silentWav } from '../../test/support/wav.ts'
import { EncodeQueue } from '../encode/encode-queue.ts'
import { EncoderCache } from '../encode/encoder-cache.ts'
import { type FakeChatModel, fakeChatModel } from '../fake-chat-model.ts'
import { createWorkerApp, type WorkerParts } from '../server.ts'
import { WorkerMetrics } from './metrics.ts'
import { OtlpTraces } from './otlp.ts'
import { type EndedRequest, RequestTrace } from './request-trace.ts'

function appWith(model: FakeChatModel, parts: WorkerParts = {}) {
  const runtime = { kind: 'c-api', version: '1', execution_provider: 'cpu' } as const
  const models = new Map([['fake', model]])
  return createWorkerApp({ status: 'ready', models, speechModels: new Map(), runtime }, defaultLimits, parts)
}

const ask = (app: ReturnType<typeof appWith>, body: object, headers: Record<string, string> = {}) =>
  app.request('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ model: 'fake', messages: [{ role: 'user', content: 'Hello' }], ...body }),
  })

async function aboutAudio() {
  const audio = { type: 'input_audio', input_audio: { data: await silentWav(0.2) } }
  return { messages: [{ role: 'user', content: [audio] }] }
}

interface Sample {
  name: string
  labels: Record<string, string>
  value: number
}

/** Prometheus' text format (0.0.4), as its specification has it; anything else throws. */
function parseMetrics(text: string): Map<string, Sample[]> {
  const samples = new Map<string, Sample[]>()
  for (const line of text.split('\n')) {
    if (line === '' || /^# (HELP|TYPE) [a-zA-Z_:][\w:]* /.test(line)) continue
    const match = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})? (\S+)$/.exec(line)
    if (!match) throw new Error(`not a sample: ${line}`)
    const pairs = [...(match[2] ?? '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)",?/g)]
    const value = match[3] === '+Inf' ? Infinity : Number(match[3])
    if (Number.isNaN(value)) throw new Error(`not a number: ${line}`)
    const labels = Object.fromEntries(pairs.map(([, name, text]) => [name!, text!]))
    samples.set(match[1]!, [...(samples.get(match[1]!) ?? []), { name: match[1]!, labels, value }])
  }
  return samples
}

async function scrape(app: ReturnType<typeof appWith>) {
  const response = await app.request('/metrics')
  expect(response.headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
  const samples = parseMetrics(await response.text())
  return (name: string, labels: Record<string, string> = {}) =>
    samples
      .get(`auricle_${name}`)
      ?.find(sample => Object.entries(labels).every(([label, value]) => sample.labels[label] === value))
      ?.value
}

describe('/metrics', () => {
  test('count answers, tokens, audio and errors', async () => {
    const app = appWith(fakeChatModel('Hello'))
    await ask(app, await aboutAudio())
    await ask(app, { ...(await aboutAudio()), n: 2 })
    await (await ask(app, { stream: true })).text()
    await ask(app, { max_tokens: 2 })
    expect((await ask(app, { temperature: 9 })).status).toBe(400)
    const value = await scrape(app)
    expect(value('request_success_total', { model_name: 'fake', finished_reason: 'stop' })).toBe(4)
    expect(value('request_success_total', { finished_reason: 'length' })).toBe(1)
    expect(value('time_to_first_token_seconds_count', { model_name: 'fake' })).toBe(4)
    expect(value('e2e_request_latency_seconds_count')).toBe(4)
    // Five letters and the end, so five steps from one to the next; with two tokens, one.
    expect(value('inter_token_latency_seconds_count')).toBe(4 * 5 + 1)
    expect(value('request_generation_tokens_sum')).toBe(4 * 6 + 2)
    expect(value('audio_decode_time_seconds_count')).toBe(1)
    expect(value('audio_encode_time_seconds_count')).toBe(2)
    expect(value('encoder_cache_queries_total')).toBe(2)
    expect(value('encoder_cache_hits_total')).toBe(1)
    expect(
      value('request_errors_total', { route: 'POST /v1/chat/completions', code: 'invalid_request' }),
    ).toBe(1)
  })

  test('an answer that a stop string ends has stopped', async () => {
    const app = appWith(fakeChatModel('Hello'))
    await ask(app, { stop: 'l' })
    expect((await scrape(app))('request_success_total', { finished_reason: 'stop' })).toBe(1)
  })

  test('count a stream that fails, and a client that leaves', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const failing = appWith(fakeChatModel('Hello', { failAfter: 2 }))
    await (await ask(failing, { stream: true })).text()
    expect((await scrape(failing))('request_errors_total', { code: 'internal_error' })).toBe(1)
    const endless = appWith(fakeChatModel('abc', { endless: true }))
    const reader = (await ask(endless, { stream: true, max_tokens: 9999 })).body!.getReader()
    await reader.read()
    await reader.read()
    await reader.cancel()
    expect((await scrape(endless))('e2e_request_latency_seconds_count') ?? 0).toBeLessThanOrEqual(1)
    log.mockRestore()
  })

  test('a path that nobody knows is no label', async () => {
    const app = appWith(fakeChatModel('Hello'))
    await app.request('/v1/models/unheard-of')
    expect((await scrape(app))('request_errors_total', { route: 'other', code: 'model_not_found' })).toBe(1)
  })

  test('are those that the documentation lists', async () => {
    const page = readFileSync(new URL('../../docs/observability.md', import.meta.url), 'utf8')
    const listed = page.split('\n').filter(line => line.startsWith('| `auricle_'))
    const metrics = new WorkerMetrics({
      engines: () => [],
      encoderCache: () => new EncoderCache().stats(),
      encodeQueue: () => new EncodeQueue().stats(),
    })
    const rows = (await metrics.list()).map(({ name, type, help }) => `| \`${name}\` | ${type} | ${help} |`)
    expect(listed.toSorted()).toEqual(rows.toSorted())
  })
})

describe('timings', () => {
  test('come in a header with a whole answer', async () => {
    const response = await ask(appWith(fakeChatModel('Hello')), await aboutAudio())
    const header = response.headers.get('server-timing')!
    const names = header.split(', ').map(entry => /^(\w+);dur=\d+(\.\d)?$/.exec(entry)![1])
    expect(names).toContain('audio_decode')
    expect(names).toContain('total')
    expect((await response.json()).usage).not.toHaveProperty('timings')
  })

  test('come in the last chunk of a stream, and in its header as far as they are known', async () => {
    const body = { ...(await aboutAudio()), stream: true, stream_options: { include_usage: true } }
    const response = await ask(appWith(fakeChatModel('Hello')), body)
    expect(response.headers.get('server-timing')).toContain('audio_decode;dur=')
    const parser = new ServerSentEventParser()
    const data = parser.push(new Uint8Array(await response.arrayBuffer())).map(event => event.data)
    const chunks = data
      .filter(text => text !== doneData)
      .map(text => ChatCompletionChunk.parse(JSON.parse(text)))
    expect(Timings.parse(chunks.at(-1)!.usage!.timings).total_ms).toBeGreaterThan(0)
  })

  test('stages at the same time count once, and encoding without the decoding', async () => {
    const trace = new RequestTrace('id', 'POST /', new Headers(), [])
    const work = (milliseconds: number) => () => new Promise(resolve => setTimeout(resolve, milliseconds))
    await trace.measure('audio_encode', () => trace.measure('audio_decode', work(30)))
    await Promise.all([trace.measure('queue', work(30)), trace.measure('queue', work(30))])
    const { audio_decode_ms, audio_encode_ms, queue_ms, prefill_ms, total_ms } = trace.timings()
    expect(audio_encode_ms).toBeLessThan(audio_decode_ms)
    expect(audio_decode_ms + queue_ms).toBeLessThanOrEqual(total_ms + 0.2)
    expect(prefill_ms).toBe(0)
  })
})

test('/readyz says what computes', async () => {
  const readiness = WorkerReadiness.parse(
    await (await appWith(fakeChatModel('Hi')).request('/readyz')).json(),
  )
  expect(readiness.runtime).toEqual({ kind: 'c-api', version: '1', execution_provider: 'cpu' })
})

describe('OpenTelemetry', () => {
  const open: (() => Promise<unknown> | unknown)[] = []
  afterEach(async () => {
    vi.unstubAllEnvs()
    for (const close of open.splice(0)) await close()
  })

  async function collector() {
    const started = await startOtlpCollector()
    open.push(started.stop)
    return started
  }

  test('a span a stage below the request’s, and that below the caller’s', async () => {
    const { url, spans } = await collector()
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url)
    const traces = new OtlpTraces('a-worker')
    const ended: EndedRequest[] = []
    const observers = [traces, { ended: (request: EndedRequest) => ended.push(request) }]
    const app = appWith(fakeChatModel('Hello'), { observers })
    const traceId = '0af7651916cd43dd8448eb211c80319c'
    await ask(app, await aboutAudio(), {
      traceparent: `00-${traceId}-b7ad6b7169203331-01`,
      'x-request-id': 'mine',
    })
    await ask(app, { temperature: 9 })
    await traces.close()

    expect(new Set(spans.map(({ service }) => service))).toEqual(new Set(['a-worker']))
    const root = spans.find(({ parentSpanId }) => parentSpanId === 'b7ad6b7169203331')!
    expect(root).toMatchObject({ traceId, name: 'POST /v1/chat/completions' })
    const attributes = new Map(root.attributes.map(({ key, value }) => [key, value]))
    expect(attributes.get('gen_ai.request.model')).toEqual({ stringValue: 'fake' })
    expect(attributes.get('gen_ai.usage.output_tokens')).toEqual({ intValue: 6 })
    expect(attributes.get('auricle.request_id')).toEqual({ stringValue: 'mine' })
    const stages = spans.filter(({ parentSpanId }) => parentSpanId === root.spanId)
    expect(stages.map(({ name }) => name).toSorted()).toEqual([
      'audio_decode',
      'audio_encode',
      'decode',
      'prefill',
      'queue',
    ])
    for (const { startTimeUnixNano, endTimeUnixNano } of stages) {
      expect(BigInt(startTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(root.startTimeUnixNano))
      expect(BigInt(endTimeUnixNano)).toBeGreaterThanOrEqual(BigInt(startTimeUnixNano))
    }
    const failed = spans.find(({ status }) => status.message === 'invalid_request')!
    expect(failed.status.code).toBe(2)
    expect(failed.traceId).not.toBe(traceId)
    expect(ended.map(({ status }) => status)).toEqual([200, 400])
  })

  test('a caller who doesn’t sample is obeyed, and a collector that is away disturbs nobody', async () => {
    const { url, spans } = await collector()
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', url)
    const traces = new OtlpTraces('a-worker')
    const app = appWith(fakeChatModel('Hello'), { observers: [traces] })
    await ask(app, {}, { traceparent: '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-00' })
    await traces.close()
    expect(spans).toEqual([])
    vi.stubEnv('OTEL_EXPORTER_OTLP_ENDPOINT', 'http://127.0.0.1:9')
    const lost = new OtlpTraces('a-worker')
    expect((await ask(appWith(fakeChatModel('Hello'), { observers: [lost] }), {})).status).toBe(200)
  })
})
