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

/** Lets everything happen that needs no time. */
const settle = () => new Promise(resolve => setImmediate(resolve))

/** A stream of one event that then says nothing until it is aborted. */
function endless(signal: AbortSignal): Response {
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('data: 1\n\n'))
      signal.addEventListener('abort', () => controller.error(signal.reason))
    },
  })
  return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
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

  test('tries three workers and no fourth', async () => {
    const { workers, fleet, request } = setUp()
    const all = ['a', 'b', 'c', 'd'].map(id => workers.add(id, { chat: overloaded }))
    const response = await fleet.forward(request())
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '3'])
    expect(all.flatMap(worker => worker.requests).filter(path => path.startsWith('/v1'))).toHaveLength(3)
  })

  test('asks one other worker when one answers badly, and no third: the request may be what ends them', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const bad = vi.fn(() => new Response('oops', { status: 500 }))
    workers.add('a', { chat: bad })
    workers.add('b', { chat: bad })
    workers.add('c', { chat: bad })
    expect(await codeOf(fleet.forward(request()))).toBe('worker_failed')
    expect(bad).toHaveBeenCalledTimes(2)
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

  test('asks another worker when a stream breaks before its first event, and none after it', async () => {
    const { workers, fleet, request } = setUp()
    const events = (...all: string[]) => {
      const left = [...all]
      const body = new ReadableStream({
        pull(controller) {
          const event = left.shift()
          if (event === undefined) controller.error(new Error('reset'))
          else controller.enqueue(new TextEncoder().encode(event))
        },
      })
      return new Response(body, { headers: { 'content-type': 'text/event-stream' } })
    }
    workers.add('a', { chat: () => events(': ping\n\n', 'data: {"cu') })
    const b = workers.add('b', { chat: () => events('data: 1\n\n', 'data: [DONE]\n\n') })
    for (let i = 0; i < 2; i++) {
      expect(await (await fleet.forward(request())).text()).toBe('data: 1\n\ndata: [DONE]\n\n')
    }
    workers.workers.delete('a')
    b.chat = () => events('data: 1\n\n', 'data: 2')
    const c = workers.add('c', { down: true })
    const text = await (await fleet.forward(request())).text()
    expect(text).toMatch(/^data: 1\n\nevent: error\ndata: .*"worker_failed"/)
    expect(c.requests.filter(path => path.startsWith('/v1'))).toEqual([])
  })

  test('of several requests at once, of which the first asks what workers there are, none is refused', async () => {
    const { workers, clock, fleet, request, codeOf } = setUp()
    workers.add('a')
    const asked = Array.from({ length: 8 }, () => codeOf(fleet.forward(request())))
    await settle()
    clock.advance(10)
    expect(new Set(await Promise.all(asked))).toEqual(new Set(['no error']))
    expect(workers.workers.get('a')!.requests.filter(path => path === '/readyz')).toHaveLength(1)
  })

  test('whoever waits for what another asked gives up after a while, or asks too', async () => {
    const { workers, clock, fleet, request, codeOf } = setUp()
    const a = workers.add('a', { hanging: true })
    const first = codeOf(fleet.forward(request()))
    const second = codeOf(fleet.forward(request()))
    const third = codeOf(fleet.forward(request({ timeoutMs: 50 })))
    for (let step = 0; step < 250; step++) {
      clock.advance(10)
      await settle()
      if (step === 5) expect(await third).toBe('worker_unavailable')
    }
    expect([await first, await second]).toEqual(['worker_unavailable', 'worker_unavailable'])
    expect(a.requests.length).toBeGreaterThan(1)
    expect(a.requests.length).toBeLessThan(15)
  })

  describe('deadlines', () => {
    test('a worker hears how long is left, and what comes too late is deadline_exceeded', async () => {
      const { workers, clock, fleet, request, codeOf } = setUp()
      let said: string | null = null
      workers.add('a', {
        chat: asked => {
          said = asked.headers.get('x-request-timeout')
          return hang(asked.signal)
        },
      })
      const answer = codeOf(fleet.forward(request({ timeoutMs: 2_500 })))
      await settle()
      expect(said).toBe('2.5')
      clock.advance(2_500)
      expect(await answer).toBe('deadline_exceeded')
    })

    test('a stream that is not over by then ends in deadline_exceeded', async () => {
      const { workers, clock, fleet, request } = setUp()
      workers.add('a', { chat: asked => endless(asked.signal) })
      const response = await fleet.forward(request({ timeoutMs: 1_000 }))
      const text = response.text()
      await settle()
      clock.advance(1_000)
      expect(await text).toMatch(/^data: 1\n\nevent: error\ndata: .*"deadline_exceeded"/)
    })

    test('impatient clients do not make a worker look bad', async () => {
      const { workers, clock, fleet, request, codeOf, answeredBy } = setUp()
      const a = workers.add('a', { chat: asked => hang(asked.signal) })
      for (let i = 0; i < 8; i++) {
        const answer = codeOf(fleet.forward(request({ timeoutMs: 10 })))
        await settle()
        clock.advance(10)
        expect(await answer).toBe('deadline_exceeded')
      }
      a.chat = () => Response.json({ answered_by: 'a' })
      workers.add('b')
      clock.advance(defaultTiming.distrustAfterMs + 1)
      expect([await answeredBy(), await answeredBy()].sort()).toEqual(['a', 'b'])
    })

    test('a request that could only wait is refused at once, and told for how long', async () => {
      const { workers, clock, fleet, request } = setUp()
      const a = workers.add('a', { load: { running: 4, waiting: 20, slots: 4 } })
      await fleet.readiness()
      const refusal = (timeoutMs: number | null) =>
        fleet.forward(request({ timeoutMs })).then(
          () => null,
          error => error as ApiError,
        )
      // 21 rounds of four at once, half a second each where nothing better is known: 2.6 s, and its own answer takes time.
      expect(await refusal(1_000)).toMatchObject({ code: 'overloaded', retryAfterSeconds: 3 })
      a.load = { running: 4, waiting: 400, slots: 4 }
      clock.advance(defaultTiming.refreshAfterMs + 1)
      await fleet.readiness()
      // 50 s, where 30 are the most that anyone may wait.
      expect(await refusal(null)).toMatchObject({ code: 'overloaded', retryAfterSeconds: 21 })
      a.load = { running: 4, waiting: 20, slots: 4 }
      clock.advance(defaultTiming.refreshAfterMs + 1)
      await fleet.readiness()
      expect(await refusal(3_400)).toBeNull()
      expect(a.requests.filter(path => path.startsWith('/v1'))).toHaveLength(1)
    })
  })

  test('retries are a fifth of the requests and ten a second, whatever happens', async () => {
    const { workers, fleet, request, codeOf } = setUp()
    const bad = vi.fn(() => new Response('oops', { status: 500 }))
    for (const id of ['a', 'b', 'c']) workers.add(id, { chat: bad })
    for (let i = 0; i < 200; i++) await codeOf(fleet.forward(request()))
    expect(bad.mock.calls.length).toBeLessThanOrEqual(200 * 1.2 + 10)
    expect(bad.mock.calls.length).toBeGreaterThan(200 * 1.15)
  })

  test('a worker that fails again and again is left alone, and comes back when it answers', async () => {
    const { workers, clock, fleet, request, codeOf, answeredBy } = setUp()
    const all = ['a', 'b', 'c', 'd', 'e'].map(id => workers.add(id))
    const bad = vi.fn(() => new Response('oops', { status: 500 }))
    all[0]!.chat = bad
    let errors = 0
    for (let i = 0; i < 200; i++) if ((await codeOf(fleet.forward(request()))) !== 'no error') errors++
    expect(bad).toHaveBeenCalledTimes(5)
    expect(errors).toBe(0)
    clock.advance(30_001)
    await fleet.readiness()
    for (let i = 0; i < 20; i++) await answeredBy()
    expect(bad).toHaveBeenCalledTimes(6)
    all[0]!.chat = () => Response.json({ answered_by: 'a' })
    clock.advance(60_001)
    await fleet.readiness()
    const answers = []
    for (let i = 0; i < 20; i++) answers.push(await answeredBy())
    expect(answers.filter(id => id === 'a').length).toBeGreaterThanOrEqual(4)
  })

  describe('hedging', () => {
    test('a late answer is asked of a second worker, the first answer counts, the other is stopped', async () => {
      const { workers, clock, fleet, request } = setUp()
      workers.add('a')
      workers.add('b')
      const short = () => request({ hedge: true, path: '/v1/audio/transcriptions' })
      for (let i = 0; i < 30; i++) await (await fleet.forward(short())).json()
      const stuck: AbortSignal[] = []
      const slow = (asked: Request) => {
        stuck.push(asked.signal)
        return hang(asked.signal)
      }
      workers.workers.get('a')!.chat = slow
      const answers = [fleet.forward(short()), fleet.forward(short())]
      await settle()
      expect(stuck).toHaveLength(1)
      clock.advance(20)
      for (const answer of answers) expect(await (await answer).json()).toEqual({ answered_by: 'b' })
      expect(stuck[0]!.aborted).toBe(true)
      // That it was slow once doesn't make it unreachable.
      expect((await fleet.readiness()).workers.ready).toBe(2)
    })

    test('costs no more than retries may', async () => {
      const { workers, clock, fleet, request } = setUp()
      const asked = vi.fn(() => Response.json({}))
      workers.add('a', { chat: asked })
      workers.add('b', { chat: asked })
      for (let i = 0; i < 30; i++) await fleet.forward(request({ hedge: true }))
      asked.mockClear()
      const late = () => new Promise<Response>(resolve => clock.after(50, () => resolve(Response.json({}))))
      for (const worker of workers.workers.values()) {
        worker.chat = () => {
          asked()
          return late()
        }
      }
      for (let i = 0; i < 100; i++) {
        const answer = fleet.forward(request({ hedge: true }))
        for (let step = 0; step < 12; step++) {
          await settle()
          clock.advance(10)
        }
        await answer
      }
      expect(asked.mock.calls.length).toBeLessThanOrEqual(100 * 1.2 + 10 + 10 * 12)
    })
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

  test('a model whose workers are gone is not unknown', async () => {
    const { workers, clock, fleet, request, answeredBy, codeOf } = setUp()
    workers.add('a')
    workers.add('b', { models: ['other'] })
    await answeredBy()
    workers.workers.delete('a')
    clock.advance(defaultTiming.refreshAfterMs + 1)
    expect(await codeOf(fleet.forward(request()))).toBe('worker_unavailable')
    expect(await codeOf(fleet.forward(request({ model: 'third' })))).toBe('model_not_found')
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
