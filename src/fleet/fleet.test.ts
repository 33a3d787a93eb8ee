import { describe, expect, test, vi } from 'vitest'
import { ApiError, toErrorBody } from '../protocol/errors.ts'
import { Fleet, type ForwardedRequest } from './fleet.ts'
import { defaultTiming } from './registry.ts'
import { hang, VirtualClock, VirtualFleet } from './virtual-fleet.ts'

function setUp() {
  const workers = new VirtualFleet()
  const clock = new VirtualClock()
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock })
  const background: Promise<unknown>[] = []
  const request = (changes: Partial<ForwardedRequest> = {}): ForwardedRequest => ({
    model: 'pocket',
    path: '/v1/chat/completions',
    requestId: 'req_1',
    tenant: 'acme',
    body: new TextEncoder().encode('{"model":"pocket"}'),
    signal: new AbortController().signal,
    background: work => background.push(work),
    ...changes,
  })
  const answeredBy = async (changes?: Partial<ForwardedRequest>) =>
    (await (await fleet.forward(request(changes))).json()).answered_by
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no error',
      error => (error as ApiError).code,
    )
  return { workers, clock, fleet, background, request, answeredBy, codeOf }
}

const overloaded = () =>
  Response.json(toErrorBody(new ApiError('overloaded', { message: 'full' })), {
    status: 503,
    headers: { 'retry-after': '3' },
  })

describe('forward', () => {
  test('sends the body as it came, with the id and the tenant, to each worker in turn', async () => {
    const { workers, answeredBy } = setUp()
    const seen: (string | null)[][] = []
    workers.add('a', {
      chat: async request => {
        const headers = ['x-request-id', 'x-auricle-tenant'].map(name => request.headers.get(name))
        seen.push([await request.text(), ...headers])
        return Response.json({ answered_by: 'a' })
      },
    })
    workers.add('b')
    expect([await answeredBy(), await answeredBy(), await answeredBy()].sort()).toEqual(
      expect.arrayContaining(['a', 'b']),
    )
    expect(seen[0]).toEqual(['{"model":"pocket"}', 'req_1', 'acme'])
  })

  test('asks another worker once when one cannot be reached', async () => {
    const { workers, answeredBy } = setUp()
    workers.add('a')
    const b = workers.add('b')
    await answeredBy()
    b.down = true
    for (let i = 0; i < 4; i++) expect(await answeredBy()).toBe('a')
  })

  test('asks another worker when one is full', async () => {
    const { workers, answeredBy } = setUp()
    const a = workers.add('a', { chat: overloaded })
    workers.add('b')
    expect([await answeredBy(), await answeredBy()]).toEqual(['b', 'b'])
    expect(a.requests.filter(path => path.startsWith('/v1'))).toHaveLength(1)
  })

  test('tries two workers and no third', async () => {
    const { workers, fleet, request } = setUp()
    const all = ['a', 'b', 'c'].map(id => workers.add(id, { chat: overloaded }))
    const response = await fleet.forward(request())
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
    expect(all.flatMap(worker => worker.requests).filter(path => path.startsWith('/v1'))).toHaveLength(2)
  })

  test('sends nothing again that a worker has answered, however badly', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const bad = vi.fn(() => new Response('oops', { status: 500 }))
    workers.add('a', { chat: bad })
    workers.add('b', { chat: bad })
    expect(await codeOf(fleet.forward(request()))).toBe('worker_failed')
    expect(bad).toHaveBeenCalledOnce()
  })

  test('relays an error of the worker as it is', async () => {
    const { workers, fleet, request } = setUp()
    const error = new ApiError('audio_unreadable', { message: 'This is a picture.', param: 'messages[0]' })
    workers.add('a', { chat: () => Response.json(toErrorBody(error), { status: 400 }) })
    const response = await fleet.forward(request())
    expect([response.status, await response.json()]).toEqual([400, toErrorBody(error)])
  })

  test('an answer that breaks off is worker_failed', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const body = new ReadableStream({ pull: controller => controller.error(new Error('reset')) })
    workers.add('a', { chat: () => new Response(body, { headers: { 'content-type': 'application/json' } }) })
    expect(await codeOf(fleet.forward(request()))).toBe('worker_failed')
  })

  test('an answer that comes too late is deadline_exceeded, and no other worker is asked', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const late = vi.fn(() => Promise.reject(new DOMException('late', 'TimeoutError')))
    workers.add('a', { chat: late })
    workers.add('b', { chat: late })
    expect(await codeOf(fleet.forward(request()))).toBe('deadline_exceeded')
    expect(late).toHaveBeenCalledOnce()
  })

  test('a client that leaves aborts the request to the worker', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const controller = new AbortController()
    let upstream: AbortSignal | undefined
    workers.add('a', {
      chat: asked => {
        upstream = asked.signal
        queueMicrotask(() => controller.abort())
        return hang(asked.signal)
      },
    })
    expect(await codeOf(fleet.forward(request({ signal: controller.signal })))).toBe('request_cancelled')
    expect(upstream!.aborted).toBe(true)
  })

  test('a stream is relayed as it comes, and leaving it aborts the worker', async () => {
    const { workers, fleet, request } = setUp()
    let upstream: AbortSignal | undefined
    workers.add('a', {
      chat: asked => {
        upstream = asked.signal
        const body = new ReadableStream({
          pull: controller => controller.enqueue(new TextEncoder().encode('data: more\n\n')),
        })
        return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
      },
    })
    const response = await fleet.forward(request())
    expect(response.headers.get('content-type')).toBe('text/event-stream')
    const reader = response.body!.getReader()
    expect(new TextDecoder().decode((await reader.read()).value)).toBe('data: more\n\n')
    expect(upstream!.aborted).toBe(false)
    await reader.cancel()
    expect(upstream!.aborted).toBe(true)
  })

  test('names the models there are when one is unknown', async () => {
    const { workers, fleet, request } = setUp()
    workers.add('a', { models: ['pocket', 'whisper-tiny.en'] })
    const error = await fleet.forward(request({ model: 'gpt-4o' })).catch((thrown: ApiError) => thrown)
    expect(error).toMatchObject({ code: 'model_not_found', param: 'model' })
    expect((error as ApiError).message).toContain('pocket, whisper-tiny.en')
  })

  test('says when to come back while no worker is ready, and works as soon as one is', async () => {
    const { workers, clock, fleet, request, codeOf, answeredBy } = setUp()
    expect(await codeOf(fleet.forward(request()))).toBe('worker_unavailable')
    const worker = workers.add('a', { status: 'loading' })
    const error = await fleet.forward(request()).catch((thrown: ApiError) => thrown)
    expect(error).toMatchObject({ code: 'worker_unavailable', retryAfterSeconds: 1 })
    worker.status = 'ready'
    clock.advance(defaultTiming.recheckAfterMs + 1)
    expect(await answeredBy()).toBe('a')
  })

  test('asks a ready worker how it is in the background, not before it answers', async () => {
    const { workers, clock, background, answeredBy } = setUp()
    workers.add('a')
    await answeredBy()
    expect(background).toHaveLength(0)
    clock.advance(defaultTiming.refreshAfterMs + 1)
    await answeredBy()
    expect(background).toHaveLength(1)
    await Promise.all(background)
  })
})

describe('models', () => {
  test('merges the lists of the ready workers', async () => {
    const { workers, fleet } = setUp()
    workers.add('a', { models: ['pocket', 'x'] })
    workers.add('b', { models: ['pocket', 'y'] })
    workers.add('c', { models: ['z'], status: 'draining' })
    expect((await fleet.models()).map(model => model.id)).toEqual(['pocket', 'x', 'y'])
  })

  test('is worker_unavailable while there is none', async () => {
    const { workers, fleet, codeOf } = setUp()
    workers.add('a', { down: true })
    expect(await codeOf(fleet.models())).toBe('worker_unavailable')
  })
})

test('readiness counts', async () => {
  const { workers, fleet } = setUp()
  workers.add('a', { down: true })
  expect(await fleet.readiness()).toMatchObject({ status: 'unavailable', workers: { ready: 0, total: 1 } })
  workers.add('b')
  expect(await fleet.readiness()).toMatchObject({
    status: 'ready',
    models: ['pocket'],
    workers: { ready: 1, total: 2 },
  })
})
