/** Keys and limits where the edge is Cloudflare's: in workerd, with its Durable Objects. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newKey } from '../../src/keys/key-ring.ts'
import { type FakeWorker, startFakeWorker } from '../support/fake-worker.ts'
import { startWorkerdEdge, type WorkerdEdge } from './workerd-edge.ts'

let worker: FakeWorker
let edge: WorkerdEdge
const keys: Record<string, string> = {}

beforeAll(async () => {
  worker = await startFakeWorker()
  const made = await Promise.all(
    ['acme', 'other'].map(tenant => newKey({ tenant, name: '', scopes: ['chat'] }, Date.now())),
  )
  for (const { record, key } of made) keys[record.tenant] = key
  edge = await startWorkerdEdge(worker.url, {
    AURICLE_KEYS: JSON.stringify(made.map(({ record }) => record)),
    AURICLE_LIMITS:
      '{"requests_per_day":3,"tenants":{"other":{"requests_per_day":100,"concurrent_requests":1}}}',
  })
})
afterAll(async () => {
  await edge?.stop()
  await worker?.stop()
})

function ask(key: string | null, content = 'Hello.', more: object = {}) {
  return fetch(`${edge.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key && { authorization: `Bearer ${key}` }) },
    body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content }], ...more }),
  })
}

test('asks for a key', async () => {
  expect((await ask(null)).status).toBe(401)
  expect((await ask(`${keys['acme']}x`)).status).toBe(401)
})

test('the worker is told of a trace, the caller’s or a new one', async () => {
  await ask(keys['other']!)
  expect(worker.seen.traceparents.at(-1)).toMatch(/^00-[0-9a-f]{32}-[0-9a-f]{16}-01$/)
})

test('of requests at once, exactly as many are let in as the limit says', async () => {
  // The first that this isolate gets: none of them knows a worker, and one asks for all.
  const statuses = await Promise.all(Array.from({ length: 8 }, async () => (await ask(keys['acme']!)).status))
  expect(statuses.filter(status => status === 200)).toHaveLength(3)
  expect(statuses.filter(status => status === 429)).toHaveLength(5)
})

test('a stream runs until the client leaves', async () => {
  const stream = await ask(keys['other']!, 'endless', { stream: true })
  expect(stream.status).toBe(200)
  const reader = stream.body!.getReader()
  await reader.read()
  const refused = await ask(keys['other']!)
  expect([refused.status, (await refused.json()).error.message]).toEqual([
    429,
    expect.stringContaining('requests at once'),
  ])
  await reader.cancel()
  await expect.poll(async () => (await ask(keys['other']!)).status, { timeout: 20_000 }).toBe(200)
})

test('requests at once under one key are done once, in whichever isolate they arrive', async () => {
  const before = worker.seen.requests
  const headers = {
    'content-type': 'application/json',
    authorization: `Bearer ${keys['other']!}`,
    'idempotency-key': 'once',
  }
  const body = JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] })
  const texts = await Promise.all(
    Array.from({ length: 20 }, async () =>
      (await fetch(`${edge.url}/v1/chat/completions`, { method: 'POST', headers, body })).text(),
    ),
  )
  expect(JSON.parse(texts[0]!).object).toBe('chat.completion')
  expect(new Set(texts).size).toBe(1)
  expect(worker.seen.requests - before).toBe(1)
})

test('a body that is too large to be held is streamed to the worker', async () => {
  const content = [
    { type: 'input_audio', input_audio: { data: 'A'.repeat(6_000_000) } },
    { type: 'text', text: 'What do you hear?' },
  ]
  const response = await ask(keys['other']!, content as never)
  expect(response.status).toBe(200)
  const answer = await response.json()
  expect(answer.choices[0].message.content).toContain('What do you hear?')
})
