import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { EdgeMetrics } from './edge-metrics.ts'
import { Histogram, toPrometheusText } from './metrics.ts'
import type { RequestRecord } from './request-record.ts'

async function scrapeAfterTrouble() {
  const workers = new VirtualFleet()
  const records: RequestRecord[] = []
  const fleet: Fleet = new Fleet({
    addresses: workers.addresses,
    fetch: workers.fetch,
    clock: new VirtualClock(),
    observe: event => metrics.fleet(event),
  })
  const metrics = new EdgeMetrics(() => fleet.workers())
  const app = createApp({
    fleet,
    record: record => {
      records.push(record)
      metrics.request(record)
    },
  })
  // As the page is put beneath the API on Node: it matches every path.
  app.use('*', (_, next) => next())
  workers.add('a')
  workers.add('b', { chat: () => new Response('oops', { status: 500 }) })
  const ask = (content: string) =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content }] }),
    })
  for (let i = 0; i < 4; i++) await ask('the secret of the caller')
  await app.request('/v1/models/pocket')
  await app.request('/nothing/of/the/kind')
  return { text: metrics.text(), records }
}

test('requests, attempts, retries and workers are counted', async () => {
  const { text } = await scrapeAfterTrouble()
  expect(text).toContain('auricle_edge_requests_total{route="/v1/chat/completions",status="200"} 4')
  expect(text).toContain('auricle_edge_requests_total{route="/v1/models/:id",status="200"} 1')
  expect(text).toContain('auricle_edge_requests_total{route="none",status="404"} 1')
  expect(text).toMatch(/auricle_edge_attempts_total\{outcome="failed"\} [1-4]/)
  expect(text).toMatch(/auricle_edge_retries_total\{reason="failed"\} [1-4]/)
  expect(text).toContain('auricle_edge_workers{state="ready"} 2')
  expect(text).toContain('auricle_edge_worker_slots{worker="a"} 4')
})

test('a record holds an id and numbers, and nothing of what was said', async () => {
  const { records } = await scrapeAfterTrouble()
  expect(JSON.stringify(records)).not.toContain('secret')
  expect(records[0]).toMatchObject({
    traceId: expect.stringMatching(/^[0-9a-f]{32}$/),
    requestId: expect.stringMatching(/^req_/),
    tenant: 'default',
    method: 'POST',
    route: '/v1/chat/completions',
    status: 200,
    streamed: false,
  })
})

test('docs/operations.md lists exactly these metrics', async () => {
  const page = await readFile(new URL('../../docs/operations.md', import.meta.url), 'utf8')
  const { text } = await scrapeAfterTrouble()
  const named = [...page.matchAll(/^\| `(auricle_edge_\w+)`/gm)].map(match => match[1])
  const served = [...text.matchAll(/^# TYPE (\w+)/gm)].map(match => match[1])
  expect(named.toSorted()).toEqual(served.toSorted())
})

test('a histogram is cumulative, and labels are escaped', () => {
  const histogram = new Histogram('h', 'Help.', [1, 2])
  for (const value of [0.5, 1, 1.5, 9]) histogram.observe(value, { model: 'a"b\\c\n' })
  expect(toPrometheusText([histogram])).toBe(`# HELP h Help.
# TYPE h histogram
h_bucket{model="a\\"b\\\\c\\n",le="1"} 2
h_bucket{model="a\\"b\\\\c\\n",le="2"} 3
h_bucket{model="a\\"b\\\\c\\n",le="+Inf"} 4
h_sum{model="a\\"b\\\\c\\n"} 12
h_count{model="a\\"b\\\\c\\n"} 4
`)
})
