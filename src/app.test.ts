import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { type AppOptions, createApp } from './app.ts'
import { Fleet } from './fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from './fleet/virtual-fleet.ts'
import { ErrorBody } from './protocol/errors.ts'
import { defaultLimits } from './protocol/limits.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

function setUp(options: Partial<AppOptions> = {}) {
  const workers = new VirtualFleet()
  const worker = workers.add('a')
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, ...options })
  const chat = (body: BodyInit, headers: HeadersInit = {}) =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body,
    })
  return { app, workers, worker, chat }
}

const hello = JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] })
const codeOf = async (response: Response) => [
  response.status,
  ErrorBody.parse(await response.json()).error.code,
]

describe('every answer', () => {
  test.each(['/v1/models', '/nothing', '/healthz'])(
    'of %s has an id and headers for browsers',
    async path => {
      const response = await setUp().app.request(path)
      expect(response.headers.get('x-request-id')).toMatch(/^req_[0-9a-f-]{36}$/)
      expect(response.headers.get('x-content-type-options')).toBe('nosniff')
      expect(response.headers.get('content-security-policy')).toContain("default-src 'none'")
    },
  )

  test('keeps an id that is safe to repeat, and no other', async () => {
    const { app } = setUp()
    const idOf = async (id: string) =>
      (await app.request('/healthz', { headers: { 'x-request-id': id } })).headers.get('x-request-id')
    expect(await idOf('call-17')).toBe('call-17')
    expect(await idOf('a b')).toMatch(/^req_/)
    expect(await idOf('x'.repeat(200))).toMatch(/^req_/)
  })
})

describe('POST /v1/chat/completions', () => {
  test('goes to the worker', async () => {
    expect(await (await setUp().chat(hello)).json()).toEqual({ answered_by: 'a' })
  })

  test('goes where its audio went before, and says how long its client waits', async () => {
    const { workers, chat } = setUp()
    for (const id of ['b', 'c', 'd', 'e']) workers.add(id)
    const about = (data: string) => ({
      model: 'pocket',
      messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data } }] }],
    })
    const homes = new Set<string>()
    for (let i = 0; i < 20; i++) {
      const asked = () => chat(JSON.stringify(about('A'.repeat(100 + i))))
      const answers = [await asked(), await asked(), await asked()]
      const ids = await Promise.all(answers.map(async answer => (await answer.json()).answered_by))
      expect(new Set(ids).size).toBe(1)
      homes.add(ids[0])
    }
    expect(homes.size).toBeGreaterThan(2)

    let left: string | null = null
    for (const worker of workers.workers.values()) {
      worker.chat = request => {
        left = request.headers.get('x-request-timeout')
        return Response.json({})
      }
    }
    await chat(hello, { 'x-request-timeout': '7.5' })
    expect(left).toBe('7.5')
    expect((await chat(hello, { 'x-request-timeout': 'soon' })).status).toBe(400)
  })

  test('is checked before it goes anywhere', async () => {
    const { chat, worker } = setUp()
    expect(await codeOf(await chat('{'))).toEqual([400, 'invalid_json'])
    expect(await codeOf(await chat('{}'))).toEqual([400, 'invalid_request'])
    expect(await codeOf(await chat(hello, { 'content-type': 'text/plain' }))).toEqual([
      415,
      'unsupported_media_type',
    ])
    expect(worker.requests).toEqual([])
  })

  test('is cut off at the limit of the body', async () => {
    const { chat } = setUp({ limits: { ...defaultLimits, maxBodyBytes: 50 } })
    expect(await codeOf(await chat(hello))).toEqual([413, 'payload_too_large'])
  })

  test('says in a header whether to send it again', async () => {
    const { chat, worker } = setUp()
    expect((await chat('{}')).headers.get('x-should-retry')).toBe('false')
    worker.down = true
    const response = await chat(hello)
    expect([response.status, response.headers.get('x-should-retry')]).toEqual([503, 'true'])
    expect(response.headers.get('retry-after')).toBe('1')
  })

  test('tells nobody but the report of an error that should not be', async () => {
    const report = vi.fn()
    const fleet = { forward: () => Promise.reject(new Error('secret')) } as unknown as Fleet
    const response = await createApp({ fleet, report }).request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'x-request-id': 'call-1' },
      body: hello,
    })
    expect(response.status).toBe(500)
    expect(await response.text()).not.toContain('secret')
    expect(report).toHaveBeenCalledWith(expect.objectContaining({ message: 'secret' }), 'call-1')
  })

  test('answers any body with a status, never with a 500', async () => {
    const report = vi.fn()
    const { chat } = setUp({ report })
    const body = fc.oneof(
      fc.string(),
      fc.json(),
      fc.json().map(json => `{"model":"pocket","messages":${json}}`),
      fc.json().map(json => `{"model":"pocket","messages":[{"role":"user","content":${json}}]}`),
      fc
        .tuple(fc.nat({ max: hello.length }), fc.string())
        .map(([at, text]) => hello.slice(0, at) + text + hello.slice(at)),
    )
    await fc.assert(
      fc.asyncProperty(body, async text => {
        const response = await chat(text)
        expect([200, 400, 404]).toContain(response.status)
        if (response.status !== 200) ErrorBody.parse(await response.json())
      }),
      { numRuns: 200 },
    )
    expect(report).not.toHaveBeenCalled()
  })
})

describe('a body that is too large to be held', () => {
  const large = (bytes: number, first: object, last: object = {}) =>
    JSON.stringify({
      ...first,
      messages: [
        { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'A'.repeat(bytes) } }] },
      ],
      ...last,
    })
  const inPieces = (bytes: Uint8Array) => {
    let sent = 0
    return new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent >= bytes.byteLength) return controller.close()
        controller.enqueue(bytes.subarray(sent, sent + 65_536))
        sent += 65_536
      },
    })
  }
  /** As from a socket: in pieces, without a length. */
  const send = (app: ReturnType<typeof setUp>['app'], text: string) =>
    app.request('/v1/chat/completions', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: inPieces(new TextEncoder().encode(text)),
      duplex: 'half',
    } as RequestInit)

  test('goes to the worker as it came', async () => {
    const { worker, app } = setUp()
    const text = large(9_000_000, { model: 'pocket' }, { stream: false })
    let seen = ''
    worker.chat = async request => {
      seen = await request.text()
      return Response.json({})
    }
    const response = await send(app, text)
    expect([response.status, seen === text]).toEqual([200, true])
  })

  test('is cut off at the limit all the same, declared or not', async () => {
    const { chat, app, worker } = setUp({ limits: { ...defaultLimits, maxBodyBytes: 3_000_000 } })
    worker.chat = async request => Response.json({ length: (await request.text()).length })
    const text = large(3_500_000, { model: 'pocket' })
    expect(await codeOf(await chat(text))).toEqual([413, 'payload_too_large'])
    const response = await send(app, text)
    expect(await codeOf(response)).toEqual([413, 'payload_too_large'])
  })

  test('names its model within the first 4 MB', async () => {
    const { app } = setUp()
    expect((await send(app, large(3_000_000, {}, { model: 'pocket' }))).status).toBe(200)
    const late = await send(app, large(6_000_000, {}, { model: 'pocket' }))
    expect((await late.json()).error).toMatchObject({ code: 'payload_too_large', param: 'model' })
  })

  test('is sent once', async () => {
    const { chat, worker } = setUp()
    worker.down = true
    expect((await codeOf(await chat(large(2_000_000, { model: 'pocket' }))))[0]).toBe(503)
  })
})

describe('paths', () => {
  test('models, all and one', async () => {
    const { app } = setUp()
    expect((await (await app.request('/v1/models')).json()).data[0].id).toBe('pocket')
    expect((await (await app.request('/v1/models/pocket')).json()).object).toBe('model')
    expect(await codeOf(await app.request('/v1/models/none'))).toEqual([404, 'model_not_found'])
  })

  test('health and readiness', async () => {
    const { app, worker } = setUp()
    worker.down = true
    expect((await app.request('/healthz')).status).toBe(200)
    expect((await app.request('/readyz')).status).toBe(503)
  })

  test('what is not there says what was meant', async () => {
    const { app } = setUp()
    const messageOf = async (path: string) =>
      (await (await app.request(path, { method: 'POST' })).json()).error.message
    expect(await messageOf('/chat/completions')).toContain('Did you mean /v1/chat/completions?')
    expect(await messageOf('/v1/v1/chat/completions')).toContain('Did you mean /v1/chat/completions?')
    expect(await messageOf('/x')).toContain('/openapi.json')
  })

  test('a wrong method says the right one', async () => {
    const { app } = setUp()
    const response = await app.request('/v1/models/pocket', { method: 'DELETE' })
    expect(await codeOf(response)).toEqual([405, 'method_not_allowed'])
    expect(response.headers.get('allow')).toBe('GET')
    expect((await app.request('/v1/models', { method: 'HEAD' })).status).toBe(200)
  })
})

describe('pages of other origins', () => {
  const preflight = {
    method: 'OPTIONS',
    headers: {
      origin: 'https://app.example',
      'access-control-request-method': 'POST',
      'access-control-request-headers': 'authorization,content-type,x-stainless-os',
    },
  }

  test('may not call unless they are configured', async () => {
    const response = await setUp().app.request('/v1/chat/completions', preflight)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    const other = await setUp({ corsOrigins: ['https://other.example'] }).app.request(
      '/v1/chat/completions',
      preflight,
    )
    expect(other.headers.get('access-control-allow-origin')).toBeNull()
  })

  test('may call and read ids when they are', async () => {
    const { app, chat } = setUp({ corsOrigins: ['https://app.example'] })
    const response = await app.request('/v1/chat/completions', preflight)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(response.headers.get('access-control-allow-headers')).toContain('x-stainless-os')
    const answer = await chat(hello, { origin: 'https://app.example' })
    expect(answer.headers.get('access-control-allow-origin')).toBe('https://app.example')
    expect(answer.headers.get('access-control-expose-headers')).toContain('x-request-id')
  })
})

test('GET /openapi.json describes every route', async () => {
  const { app } = setUp()
  const document = await (await app.request('/openapi.json')).json()
  const described = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods as object).map(
      method => `${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`,
    ),
  )
  const routed = app.routes
    .filter(({ method }) => method !== 'ALL')
    .map(({ method, path }) => `${method} ${path}`)
  expect(described.sort()).toEqual(
    routed.filter(route => route !== 'GET /openapi.json' && route !== 'GET /docs').sort(),
  )
})
