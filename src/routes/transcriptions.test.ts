import { describe, expect, test } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { ErrorBody } from '../protocol/errors.ts'
import { defaultLimits } from '../protocol/limits.ts'

function setUp() {
  const workers = new VirtualFleet()
  const forwarded: { type: string | null; body: Uint8Array }[] = []
  const worker = workers.add('a', {
    models: ['whisper-tiny.en'],
    chat: async request => {
      forwarded.push({ type: request.headers.get('content-type'), body: await request.bytes() })
      return new Response('1\n', { headers: { 'content-type': 'application/x-subrip' } })
    },
  })
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, limits: { ...defaultLimits, maxAudioBytes: 1000, maxFieldBytes: 500 } })
  const post = (path: string, body: BodyInit) => app.request(`/v1/audio/${path}`, { method: 'POST', body })
  return { worker, forwarded, post }
}

function formOf(fields: Record<string, string>, bytes = new Uint8Array([1, 2, 3])): FormData {
  const form = new FormData()
  // As the openai client does: the file first.
  form.append('file', new Blob([bytes]), 'a.wav')
  for (const [name, value] of Object.entries(fields)) form.append(name, value)
  return form
}

describe.each(['transcriptions', 'translations'])('POST /v1/audio/%s', path => {
  test('goes to the worker byte for byte, and its answer comes back', async () => {
    const { worker, forwarded, post } = setUp()
    const body = new Response(formOf({ model: 'whisper-tiny.en', response_format: 'srt' }))
    const bytes = await body.clone().bytes()
    const type = body.headers.get('content-type')!
    const response = await post(path, new Blob([bytes], { type }))
    expect([response.status, await response.text()]).toEqual([200, '1\n'])
    expect(response.headers.get('content-type')).toBe('application/x-subrip')
    expect(worker.requests).toContain(`/v1/audio/${path}`)
    expect(forwarded).toEqual([{ type: type.toLowerCase(), body: bytes }])
  })

  test('goes to the worker with the id of an uploaded file', async () => {
    const { forwarded, post } = setUp()
    const form = new FormData()
    form.append('model', 'whisper-tiny.en')
    form.append('file_id', `file-${'0'.repeat(32)}`)
    expect((await post(path, form)).status).toBe(200)
    expect(new TextDecoder().decode(forwarded[0]!.body)).toContain(`file-${'0'.repeat(32)}`)
  })

  test.each<[string, BodyInit, number, string, string | null]>([
    ['another type', '{}', 415, 'unsupported_media_type', null],
    ['a file that is too large', formOf({}, new Uint8Array(1001)), 413, 'payload_too_large', 'file'],
    ['no model', formOf({}), 400, 'invalid_request', 'model'],
    ['an unknown field', formOf({ model: 'whisper-tiny.en', n: '2' }), 400, 'unsupported_parameter', 'n'],
    ['an unknown model', formOf({ model: 'none' }), 404, 'model_not_found', 'model'],
  ])('refuses %s before any worker is asked', async (_, body, status, code, param) => {
    const { forwarded, post } = setUp()
    const response = await post(path, body)
    expect(response.status).toBe(status)
    expect(ErrorBody.parse(await response.json()).error).toMatchObject({ code, param })
    expect(forwarded).toEqual([])
  })
})
