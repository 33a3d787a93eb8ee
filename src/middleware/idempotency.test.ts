import { describe, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { ServerSentEventParser } from '../protocol/sse.ts'
import { MemoryStore } from '../storage/memory-store.ts'

function setUp(chat: (count: number) => Promise<Response>, store = new MemoryStore()) {
  const workers = new VirtualFleet()
  let count = 0
  workers.add('a', { chat: async () => chat(++count) })
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, store })
  const ask = (
    key: string | null,
    options: { content?: string; after?: number; signal?: AbortSignal } = {},
  ) =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(key !== null && { 'idempotency-key': key }),
        ...(options.after !== undefined && { 'last-event-id': String(options.after) }),
      },
      body: JSON.stringify({
        model: 'pocket',
        messages: [{ role: 'user', content: options.content ?? 'Hi' }],
      }),
      signal: options.signal ?? null,
    })
  return { ask, done: () => count, store, app }
}

const encode = (text: string) => new TextEncoder().encode(text)
const answer = async (count: number) => Response.json({ answer: count })

/** A stream whose events the test lets out one by one. */
function stepped() {
  let controller!: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    start: given => {
      controller = given
      controller.enqueue(encode('data: 1\n\n'))
    },
  })
  return {
    chat: async () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }),
    send: (text: string) => controller.enqueue(encode(text)),
    end: () => controller.close(),
  }
}

describe('the same key', () => {
  test('gives the same answer and does nothing again', async () => {
    const { ask, done } = setUp(answer)
    const first = await ask('k')
    const second = await ask('k')
    expect(await second.text()).toBe(await first.text())
    expect([first.headers.get('idempotent-replayed'), second.headers.get('idempotent-replayed')]).toEqual([
      null,
      'true',
    ])
    expect(second.headers.get('content-type')).toBe(first.headers.get('content-type'))
    expect(second.headers.get('x-request-id')).not.toBe(first.headers.get('x-request-id'))
    expect(done()).toBe(1)
  })

  test('of 200 requests at once does one', async () => {
    const { ask, done } = setUp(async count => {
      await new Promise(resolve => setImmediate(resolve))
      return answer(count)
    })
    const texts = await Promise.all(Array.from({ length: 200 }, async () => (await ask('k')).text()))
    expect(new Set(texts).size).toBe(1)
    expect(done()).toBe(1)
  })

  test('with another request is an error, and the first answer stays', async () => {
    const { ask, done } = setUp(answer)
    const first = await (await ask('k')).text()
    const wrong = await ask('k', { content: 'Something else' })
    expect([wrong.status, (await wrong.json()).error.code]).toEqual([400, 'idempotency_key_reused'])
    expect(await (await ask('k')).text()).toBe(first)
    expect(done()).toBe(1)
  })

  test('is good in another process, by the store, and for a day', async () => {
    const { ask, store } = setUp(answer)
    const first = await (await ask('k')).text()
    await expect.poll(async () => (await store.list('tenants/default/idempotency/')).objects.length).toBe(1)
    const other = setUp(answer, store)
    expect(await (await other.ask('k')).text()).toBe(first)
    expect((await other.ask('k', { content: 'Something else' })).status).toBe(400)
    expect(other.done()).toBe(0)
    expect(JSON.stringify((await store.list('')).objects)).not.toContain('"k"')
  })

  test('another key does it again, and no key always does', async () => {
    const { ask, done } = setUp(answer)
    for (const key of ['a', 'b', null, null]) await ask(key)
    expect(done()).toBe(4)
  })

  test('a failure while it was done is kept; one before is not', async () => {
    const statuses = [400, 429, 500, 200]
    const { ask } = setUp(async count => {
      const status = statuses[count - 1]!
      const error = { message: 'x', type: 'x', param: null, code: 'x' }
      return Response.json(status === 200 ? {} : { error }, { status })
    })
    const seen = []
    for (let i = 0; i < 5; i++) seen.push((await ask('k')).status)
    expect(seen.slice(-2)).toEqual([500, 500])
    expect(seen).not.toContain(200)
  })

  test.each(['', 'x'.repeat(256)])('%j is no key', async key => {
    expect((await setUp(answer).ask(key)).status).toBe(400)
  })

  test('is never kept for what makes API keys', async () => {
    const { app, store } = setUp(answer)
    await app.request('/v1/admin/keys', { method: 'POST', headers: { 'idempotency-key': 'k' } })
    expect((await store.list('')).objects).toEqual([])
  })
})

describe('a stream under a key', () => {
  test('has ids, and the same bytes each time', async () => {
    const stream = stepped()
    const { ask } = setUp(stream.chat)
    const first = await ask('k')
    stream.send('data: 2\n\ndata: [DONE]\n\n')
    stream.end()
    const text = await first.text()
    expect(text).toBe('id: 1\ndata: 1\n\nid: 2\ndata: 2\n\nid: 3\ndata: [DONE]\n\n')
    expect(await (await ask('k')).text()).toBe(text)
    expect(await (await ask('k', { after: 2 })).text()).toBe('id: 3\ndata: [DONE]\n\n')
  })

  test('goes on when the client has left, and the client comes back to where it was', async () => {
    const stream = stepped()
    const { ask, done } = setUp(stream.chat)
    const leaving = new AbortController()
    const first = await ask('k', { signal: leaving.signal })
    const reader = first.body!.getReader()
    const [seen] = new ServerSentEventParser().push((await reader.read()).value!)
    expect(seen).toMatchObject({ id: '1', data: '1' })
    leaving.abort()
    await reader.cancel()
    stream.send('data: 2\n\n')
    const resumed = await ask('k', { after: Number(seen!.id) })
    stream.send('data: [DONE]\n\n')
    stream.end()
    expect(await resumed.text()).toBe('id: 2\ndata: 2\n\nid: 3\ndata: [DONE]\n\n')
    expect(done()).toBe(1)
  })

  test('of which nothing is kept is not begun again by who wants to go on', async () => {
    const { ask, done } = setUp(answer)
    const response = await ask('k', { after: 3 })
    expect([response.status, (await response.json()).error.code]).toEqual([404, 'nothing_to_resume'])
    expect(done()).toBe(0)
  })
})
