import OpenAI from 'openai'
import { describe, expect, test, vi } from 'vitest'
import type { ApiError } from '../protocol/errors.ts'
import { Fleet, type ForwardedRequest } from './fleet.ts'
import type { Starter } from './starter.ts'
import { VirtualClock, VirtualFleet } from './virtual-fleet.ts'

const settle = () => new Promise(resolve => setImmediate(resolve))
const answer = ['{"choices":[{"index":0,"delta":{"content":"Hi"}}]}', '[DONE]']
const chunks = () =>
  new Response(answer.map(data => `data: ${data}\n\n`).join(''), {
    headers: { 'content-type': 'text/event-stream' },
  })

function setUp(start: Starter['start'] = async () => true) {
  const workers = new VirtualFleet()
  const clock = new VirtualClock()
  const starter = { models: ['pocket'], start: vi.fn(start) }
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock, starter })
  const request = (changes: Partial<ForwardedRequest> = {}): ForwardedRequest => ({
    model: 'pocket',
    path: '/v1/chat/completions',
    requestId: 'req_1',
    tenant: 'acme',
    body: new TextEncoder().encode('{}'),
    stream: true,
    signal: new AbortController().signal,
    background: () => {},
    ...changes,
  })
  /** Lets so much time pass, in steps, with all that happens in it. */
  const pass = async (milliseconds: number) => {
    for (let passed = 0; passed < milliseconds; passed += 100) {
      await settle()
      clock.advance(100)
    }
    await settle()
  }
  return { workers, clock, starter, fleet, request, pass }
}

describe('with no worker there', () => {
  test('a stream opens at once, says how it stands, and goes on with the answer', async () => {
    const { workers, starter, fleet, request, pass } = setUp()
    const response = await fleet.forward(request())
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const text = response.text()
    await pass(1_000)
    const worker = workers.add('a', { status: 'loading', chat: chunks })
    await pass(2_000)
    worker.status = 'ready'
    await pass(1_500)
    const events = (await text).split('\n\n').map(event => event.replace(/\d+/, 'N'))
    expect(events).toEqual([
      ': auricle {"type":"queued","waited_ms":N}',
      ': auricle {"type":"loading","waited_ms":N}',
      ': auricle {"type":"ready","waited_ms":N}',
      'data: {"choices":[{"index":N,"delta":{"content":"Hi"}}]}',
      'data: [DONE]',
      '',
    ])
    expect(starter.start).toHaveBeenCalledWith('pocket')
  })

  test('the openai client sees only the answer', async () => {
    const { workers, fleet, request, pass } = setUp()
    const client = new OpenAI({
      apiKey: 'none',
      baseURL: 'http://edge/v1',
      fetch: async () => fleet.forward(request()),
    })
    const stream = await client.chat.completions.create({ model: 'pocket', messages: [], stream: true })
    const read = (async () => {
      let text = ''
      for await (const chunk of stream) text += chunk.choices[0]!.delta.content
      return text
    })()
    await pass(6_000)
    workers.add('a', { chat: chunks })
    await pass(1_000)
    expect(await read).toBe('Hi')
  })

  test('a whole answer is waited for', async () => {
    const { workers, fleet, request, pass } = setUp()
    const response = fleet.forward(request({ stream: false }))
    await pass(3_000)
    workers.add('a')
    await pass(1_000)
    expect(await (await response).json()).toEqual({ answered_by: 'a' })
  })

  test('nobody waits past their deadline, and a stream says so in an event', async () => {
    const { fleet, request, pass } = setUp()
    const whole = fleet
      .forward(request({ stream: false, timeoutMs: 2_000 }))
      .catch((error: ApiError) => error.code)
    const stream = (await fleet.forward(request({ timeoutMs: 2_000 }))).text()
    await pass(2_100)
    expect(await whole).toBe('deadline_exceeded')
    expect(await stream).toMatch(/: auricle .*"queued".*\n\nevent: error\ndata: .*"deadline_exceeded"/)
  })

  test('it is said when no worker can be called', async () => {
    const { fleet, request } = setUp(async () => false)
    await expect(fleet.forward(request({ stream: false }))).rejects.toMatchObject({
      code: 'worker_unavailable',
    })
    expect(await (await fleet.forward(request())).text()).toContain('"worker_unavailable"')
  })

  test('a model that no starter knows is refused as ever', async () => {
    const { starter, fleet, request } = setUp()
    await expect(fleet.forward(request({ model: 'other' }))).rejects.toMatchObject({
      code: 'worker_unavailable',
    })
    expect(starter.start).not.toHaveBeenCalled()
  })

  test('a client that leaves waits no more', async () => {
    const { workers, fleet, request, pass } = setUp()
    const response = await fleet.forward(request())
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    const asked = workers.add('a').requests
    await pass(2_000)
    expect(asked.filter(path => path.startsWith('/v1'))).toEqual([])
  })
})
