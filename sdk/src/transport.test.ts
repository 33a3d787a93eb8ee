import { describe, expect, test } from 'vitest'
import { errorCatalogue } from '../../src/protocol/errors.ts'
import {
  AbortedError,
  ApiError,
  AuthenticationError,
  ConnectionError,
  InvalidRequestError,
  NotFoundError,
  RateLimitError,
  ServerError,
  TimeoutError,
} from './errors.ts'
import { refusal, scriptedClient } from './scripted-server.ts'

const list = { object: 'list', data: [] }
const broken = new TypeError('fetch failed')
const never = (request: Request) =>
  new Promise<Response>((_, reject) => {
    request.signal.addEventListener('abort', () => reject(request.signal.reason))
  })

describe('a request', () => {
  test('goes to the path, with the key and what the caller adds', async () => {
    const { client, requests } = scriptedClient([Response.json(list)], {
      baseUrl: 'http://server.test/v1/',
      apiKey: async () => 'secret',
      headers: { 'x-one': '1' },
    })
    expect(await client.models.list({ headers: { 'x-two': '2' }, idempotencyKey: 'once' })).toEqual(list)
    const [request] = requests
    expect(request!.url).toBe('http://server.test/v1/models')
    expect(Object.fromEntries(request!.headers)).toMatchObject({
      authorization: 'Bearer secret',
      'idempotency-key': 'once',
      'x-one': '1',
      'x-two': '2',
    })
  })

  test('sends no key where there is none', async () => {
    const { client, requests } = scriptedClient([Response.json(list)], { apiKey: null })
    await client.models.list()
    expect(requests[0]!.headers.has('authorization')).toBe(false)
  })

  test('shows the answer before it is read', async () => {
    const { client } = scriptedClient([Response.json(list, { headers: { 'x-request-id': 'req_1' } })])
    let id: string | null = null
    await client.models.list({
      onResponse: response => {
        id = response.headers.get('x-request-id')
      },
    })
    expect(id).toBe('req_1')
  })
})

describe('what fails', () => {
  test('is sent again twice, and then thrown', async () => {
    const { client, requests } = scriptedClient([refusal(503), broken, refusal(429), Response.json(list)])
    await expect(client.models.list()).rejects.toMatchObject({ status: 429 })
    expect(requests).toHaveLength(3)
  })

  test('may succeed the second time', async () => {
    const { client, requests } = scriptedClient([refusal(500), Response.json(list)])
    expect(await client.models.list()).toEqual(list)
    expect(requests).toHaveLength(2)
  })

  test('is not sent again where that is no use, or not wished', async () => {
    for (const [status, headers, options] of [
      [400, {}, {}],
      [503, { 'x-should-retry': 'false' }, {}],
      [503, {}, { maxRetries: 0 }],
    ] as const) {
      const { client, requests } = scriptedClient([refusal(status, headers), Response.json(list)])
      await expect(client.models.list(options)).rejects.toBeInstanceOf(ApiError)
      expect(requests).toHaveLength(1)
    }
  })

  test('keeps its idempotency key', async () => {
    const { client, requests } = scriptedClient([refusal(500), Response.json(list)])
    await client.models.list({ idempotencyKey: 'once' })
    expect(requests.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['once', 'once'])
  })

  test('a connection that fails is a ConnectionError with its cause', async () => {
    const { client } = scriptedClient([broken], { maxRetries: 0 })
    const error = await client.models.list().catch(error => error)
    expect(error).toBeInstanceOf(ConnectionError)
    expect(error.cause).toBe(broken)
  })

  test('an answer that takes too long is a TimeoutError, whether it does not begin or does not end', async () => {
    const endless = ({ signal }: Request) =>
      new Response(
        new ReadableStream({
          start: controller => signal.addEventListener('abort', () => controller.error(signal.reason)),
        }),
      )
    for (const script of [never, endless]) {
      const { client } = scriptedClient([script], { maxRetries: 0, timeoutMs: 20 })
      await expect(client.models.list()).rejects.toBeInstanceOf(TimeoutError)
    }
  })

  test('a signal cancels it: before it is sent, while it waits for the answer, between attempts', async () => {
    const reason = new Error('enough')
    const before = scriptedClient([])
    await expect(before.client.models.list({ signal: AbortSignal.abort(reason) })).rejects.toMatchObject({
      name: 'AbortedError',
      cause: reason,
    })
    expect(before.requests).toEqual([])

    for (const first of [never, refusal(503, { 'retry-after-ms': '50000' })]) {
      const controller = new AbortController()
      const { client, requests } = scriptedClient([first, Response.json(list)])
      const answer = client.models.list({ signal: controller.signal })
      setTimeout(() => controller.abort(reason), 10)
      await expect(answer).rejects.toBeInstanceOf(AbortedError)
      expect(requests).toHaveLength(1)
    }
  })
})

describe('errors', () => {
  const classes = {
    invalid_request_error: InvalidRequestError,
    authentication_error: AuthenticationError,
    permission_error: AuthenticationError,
    rate_limit_error: RateLimitError,
    server_error: ServerError,
  }

  test.each(Object.entries(errorCatalogue))('%s has its class', async (code, { status, type, retryable }) => {
    const error = { message: 'Said so.', type, param: 'model', code }
    const headers = { 'x-request-id': 'req_1', 'x-should-retry': String(retryable) }
    const { client } = scriptedClient([Response.json({ error }, { status, headers })], { maxRetries: 0 })
    const thrown = await client.models.list().catch(error => error)
    expect(thrown).toBeInstanceOf(status === 404 ? NotFoundError : classes[type])
    expect(thrown).toMatchObject({ message: 'Said so.', code, type, param: 'model', status, retryable })
    expect(thrown.requestId).toBe('req_1')
  })

  test.each([
    [401, AuthenticationError],
    [403, AuthenticationError],
    [404, NotFoundError],
    [418, InvalidRequestError],
    [429, RateLimitError],
    [502, ServerError],
  ])('status %i from something before the server has a class as well', async (status, kind) => {
    const page = new Response('<html>', { status })
    const { client } = scriptedClient([page], { maxRetries: 0 })
    const thrown = await client.models.list().catch(error => error)
    expect(thrown).toBeInstanceOf(kind)
    expect(thrown).toMatchObject({ status, code: null, requestId: null })
  })
})
