import { describe, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { doneData, serializeEvent } from '../protocol/sse.ts'
import { type EdgeSpan, EdgeTrace } from './edge-trace.ts'

const traceId = '0af7651916cd43dd8448eb211c80319c'
const traceparent = `00-${traceId}-b7ad6b7169203331-01`

function setUp() {
  const workers = new VirtualFleet()
  const told: EdgeSpan[][] = []
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, tellSpans: spans => told.push([...spans]) })
  const seen: (string | null)[] = []
  const note = (request: Request) => {
    seen.push(request.headers.get('traceparent'))
    return Response.json({})
  }
  const ask = (headers: Record<string, string> = {}) =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hi' }] }),
    })
  return { workers, told, ask, seen, note }
}

describe('a request', () => {
  test('is a span under the caller’s, each attempt one below it, and the worker is told of its own', async () => {
    const { workers, told, ask, seen, note } = setUp()
    let first = true
    const chat = (request: Request) => {
      const answer = note(request)
      const failing = first
      first = false
      return failing ? new Response('oops', { status: 500 }) : answer
    }
    workers.add('a', { chat })
    workers.add('b', { chat })
    expect((await ask({ traceparent, 'x-request-id': 'mine' })).status).toBe(200)
    const [spans] = told
    const root = spans!.find(({ kind }) => kind === 'server')!
    expect(root).toMatchObject({
      traceId,
      parentSpanId: 'b7ad6b7169203331',
      name: 'POST /v1/chat/completions',
      error: null,
      attributes: { 'http.response.status_code': 200, 'auricle.request_id': 'mine' },
    })
    const attempts = spans!.filter(({ kind }) => kind === 'client')
    expect(attempts.map(({ error, attributes }) => [error, attributes['auricle.outcome']])).toEqual([
      ['failed', 'failed'],
      [null, 'succeeded'],
    ])
    for (const attempt of attempts) expect(attempt).toMatchObject({ traceId, parentSpanId: root.spanId })
    expect(seen).toEqual(attempts.map(({ spanId }) => `00-${traceId}-${spanId}-01`))
    expect(new Set(spans!.map(({ spanId }) => spanId)).size).toBe(3)
  })

  test('that is streamed ends with its stream', async () => {
    const { workers, told, ask } = setUp()
    let finish = () => {}
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        const send = (data: string) => controller.enqueue(new TextEncoder().encode(serializeEvent({ data })))
        send('{"a":1}')
        finish = () => {
          send(doneData)
          controller.close()
        }
      },
    })
    const headers = { 'content-type': 'text/event-stream' }
    workers.add('a', { chat: () => new Response(body, { headers }) })
    const response = await ask()
    expect(told).toEqual([])
    finish()
    await response.text()
    const [root, attempt] = ['server', 'client'].map(kind => told[0]!.find(span => span.kind === kind)!)
    expect(root!.endMs).toBe(attempt!.endMs)
  })

  test('without a trace of its caller’s gets one, of which the worker is told', async () => {
    const { workers, told, ask, seen, note } = setUp()
    workers.add('a', { chat: note })
    await ask()
    await ask()
    const ids = told.map(([span]) => span!.traceId)
    expect(new Set(ids).size).toBe(2)
    expect(seen.map(header => header!.slice(3, 35))).toEqual(ids)
    expect(told[0]!.find(({ kind }) => kind === 'server')!.parentSpanId).toBeNull()
  })

  test('that fails says so', async () => {
    const { told, ask } = setUp()
    expect((await ask()).status).toBe(503)
    expect(told[0]).toMatchObject([{ kind: 'server', error: '503' }])
  })

  test('whose caller doesn’t sample is told to nobody, and goes on unsampled', async () => {
    const { workers, told, ask, seen, note } = setUp()
    workers.add('a', { chat: note })
    await ask({ traceparent: traceparent.replace(/01$/, '00') })
    expect(told).toEqual([])
    expect(seen[0]).toMatch(new RegExp(`^00-${traceId}-[0-9a-f]{16}-00$`))
  })
})

test.each([
  '',
  'x',
  traceparent.toUpperCase(),
  `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
  `00-${traceId}-${'0'.repeat(16)}-01`,
  `ff-${traceId}-b7ad6b7169203331-01`,
])('%j names no trace', header => {
  const trace = new EdgeTrace(new Headers({ traceparent: header, tracestate: 'a=b' }), null)
  expect(trace.traceId).not.toBe(traceId)
  expect(trace.begin('attempt').headers).toEqual({
    traceparent: expect.stringMatching(new RegExp(`^00-${trace.traceId}-[0-9a-f]{16}-01$`)),
  })
})

test('a version to come is read as far as it is known, and the state goes along', () => {
  const headers = new Headers({ traceparent: `01-${traceId}-b7ad6b7169203331-01-more`, tracestate: 'a=b' })
  const trace = new EdgeTrace(headers, null)
  expect(trace.traceId).toBe(traceId)
  expect(trace.begin('attempt').headers).toMatchObject({ tracestate: 'a=b' })
})
