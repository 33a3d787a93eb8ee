import { describe, expect, test } from 'vitest'
import { ErrorBody } from '../protocol/errors.ts'
import { Fleet, type ForwardedRequest } from './fleet.ts'
import { VirtualClock } from './virtual-fleet.ts'

const name = 'Qwen/Qwen2-Audio-7B-Instruct'
const openai = { models: { 'qwen2-audio': name }, apiKey: 'key-1', slots: 64 }

/** A server that speaks as vLLM does, as far as its API reference and source say. */
function setUp(chat: (request: Request) => Response | Promise<Response>) {
  const seen: Request[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const request = new Request(input, init)
    seen.push(request)
    if (request.headers.get('authorization') !== 'Bearer key-1') {
      return Response.json({ error: 'Unauthorized' }, { status: 401 })
    }
    const { pathname } = new URL(request.url)
    if (pathname === '/base/v1/models') {
      return Response.json({ object: 'list', data: [{ id: name, object: 'model', owned_by: 'vllm' }] })
    }
    if (pathname.startsWith('/base/v1/')) return chat(request)
    return Response.json({ detail: 'Not Found' }, { status: 404 })
  }
  const address = { id: 'vllm', url: 'http://vllm:8000/base', openai }
  const fleet = new Fleet({ addresses: () => [address], fetch, clock: new VirtualClock() })
  const forward = (changes: Partial<ForwardedRequest> = {}) =>
    fleet.forward({
      model: 'qwen2-audio',
      path: '/v1/chat/completions',
      requestId: 'req_1',
      tenant: 'acme',
      body: new TextEncoder().encode('{"model":"qwen2-audio","messages":[],"seed":7}'),
      headers: { traceparent: '00-1-2-01' },
      signal: new AbortController().signal,
      background: () => {},
      ...changes,
    })
  return { seen, fleet, forward }
}

describe('a server of OpenAI`s wire', () => {
  test('is asked in its words, and answers in ours', async () => {
    const { seen, forward } = setUp(async request => {
      const body = await request.clone().json()
      return Response.json({ model: body.model, echo: body, object: 'chat.completion' })
    })
    const response = await forward()
    expect(await response.json()).toEqual({
      model: 'qwen2-audio',
      echo: { model: name, messages: [], seed: 7 },
      object: 'chat.completion',
    })
    const { headers } = seen.at(-1)!
    expect([
      headers.get('x-auricle-tenant'),
      headers.get('traceparent'),
      headers.get('content-type'),
    ]).toEqual([null, '00-1-2-01', 'application/json'])
  })

  test('its stream names our model, and is otherwise unchanged', async () => {
    const { forward } = setUp(() => {
      const events = [`data: {"model":"${name}","choices":[{"delta":{"content":"é"}}]}`, 'data: [DONE]', '']
      return new Response(events.join('\n\n'), {
        headers: { 'content-type': 'text/event-stream; charset=utf-8' },
      })
    })
    expect(await (await forward()).text()).toBe(
      'data: {"model":"qwen2-audio","choices":[{"delta":{"content":"é"}}]}\n\ndata: [DONE]\n\n',
    )
  })

  test('a form keeps its file and gets the other name', async () => {
    const { forward } = setUp(async request => {
      const form = await request.formData()
      return Response.json({ text: `${form.get('model')} ${(form.get('file') as File).size}` })
    })
    const form = new FormData()
    form.set('model', 'qwen2-audio')
    form.set('file', new File([new Uint8Array(1000)], 'a.wav'))
    const encoded = new Response(form)
    const response = await forward({
      path: '/v1/audio/transcriptions',
      contentType: encoded.headers.get('content-type')!,
      body: new Uint8Array(await encoded.arrayBuffer()),
    })
    expect(await response.json()).toEqual({ text: `${name} 1000` })
  })

  test.each<[number, object, [number, string, string]]>([
    [
      400,
      { object: 'error', message: 'too long', type: 'BadRequestError', code: 400 },
      [400, 'invalid_request', 'too long'],
    ],
    [
      400,
      { error: { message: 'no audio', type: 'BadRequestError', param: 'messages', code: 400 } },
      [400, 'invalid_request', 'no audio'],
    ],
    [401, { error: 'Unauthorized' }, [502, 'worker_failed', 'The upstream answered with status 401.']],
    [
      500,
      { error: { message: 'secret', code: 500 } },
      [502, 'worker_failed', 'The upstream answered with status 500.'],
    ],
    [
      429,
      { error: { message: 'busy', code: 429 } },
      [503, 'overloaded', 'The upstream answered with status 429.'],
    ],
  ])('its status %i becomes a row of the catalogue', async (status, body, expected) => {
    const { forward } = setUp(() => Response.json(body, { status }))
    const response = await forward()
    const { error } = ErrorBody.parse(await response.json())
    expect([response.status, error.code, error.message]).toEqual(expected)
  })

  test('its models are listed under our names, and only those it has', async () => {
    const { fleet } = setUp(() => Response.json({}))
    expect((await fleet.models()).map(({ id }) => id)).toEqual(['qwen2-audio'])
    expect((await fleet.readiness()).models).toEqual(['qwen2-audio'])
  })
})
