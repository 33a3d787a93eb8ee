import { describe, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { scopeOf } from '../middleware/authenticate.ts'
import { ErrorBody } from '../protocol/errors.ts'
import { defaultLimits } from '../protocol/limits.ts'

const audio = { type: 'input_audio', input_audio: { data: 'AAAA' } }
const labels = ['dog', 'cat']
const json = (body: object) => new Blob([JSON.stringify(body)], { type: 'application/json' })

function setUp() {
  const workers = new VirtualFleet()
  const forwarded: { type: string | null; body: Uint8Array }[] = []
  const worker = workers.add('a', {
    models: ['pocket'],
    chat: async request => {
      forwarded.push({ type: request.headers.get('content-type'), body: await request.bytes() })
      return Response.json({ label: 'dog' })
    },
  })
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, limits: { ...defaultLimits, maxAudioBytes: 1000, maxFieldBytes: 500 } })
  const post = (body: BodyInit) => app.request('/v1/audio/classifications', { method: 'POST', body })
  return { worker, forwarded, post }
}

function form(fields: Record<string, string>): FormData {
  const form = new FormData()
  form.append('file', new Blob([Uint8Array.of(1, 2, 3)]), 'a.wav')
  for (const label of labels) form.append('labels[]', label)
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}

describe('POST /v1/audio/classifications', () => {
  test.each<[string, () => BodyInit]>([
    ['JSON', () => json({ model: 'pocket', audio, labels })],
    ['a form', () => form({ model: 'pocket' })],
  ])('%s goes to the worker byte for byte', async (_, body) => {
    const { worker, forwarded, post } = setUp()
    const sent = new Response(body())
    const bytes = await sent.clone().bytes()
    const response = await post(new Blob([bytes], { type: sent.headers.get('content-type')! }))
    expect([response.status, await response.json()]).toEqual([200, { label: 'dog' }])
    expect(worker.requests).toContain('/v1/audio/classifications')
    expect(forwarded.map(({ body }) => body)).toEqual([bytes])
  })

  test.each<[string, () => BodyInit, number, string, string | null]>([
    ['another type', () => 'a', 415, 'unsupported_media_type', null],
    [
      'labels that are none',
      () => json({ model: 'pocket', audio, labels: 'dog' }),
      400,
      'invalid_request',
      'labels',
    ],
    ['an unknown field', () => form({ model: 'pocket', n: '2' }), 400, 'unsupported_parameter', 'n'],
    ['an unknown model', () => json({ model: 'none', audio, labels }), 404, 'model_not_found', 'model'],
  ])('%s is refused before any worker is asked', async (_, body, status, code, param) => {
    const { forwarded, post } = setUp()
    const response = await post(body())
    expect(response.status).toBe(status)
    expect(ErrorBody.parse(await response.json()).error).toMatchObject({ code, param })
    expect(forwarded).toEqual([])
  })

  test('asks for the scope of chat', () => {
    expect(scopeOf('/v1/audio/classifications')).toBe('chat')
  })
})
