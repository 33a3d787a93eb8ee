import { createHash } from 'node:crypto'
import OpenAI, { toFile } from 'openai'
import { describe, expect, test } from 'vitest'
import { Conformance } from '../../test/support/conformance.ts'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { MemoryStore } from '../storage/memory-store.ts'

function setUp() {
  const workers = new VirtualFleet()
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const store = new MemoryStore()
  const app = createApp({ fleet, store })
  const conformance = new Conformance()
  const fetch = conformance.wrapFetch((async (input, init) =>
    app.fetch(new Request(input as string, init))) as typeof globalThis.fetch)
  const client = new OpenAI({ baseURL: 'http://edge.example/v1', apiKey: 'none', maxRetries: 0, fetch })
  const call = async (
    method: string,
    path: string,
    body?: BodyInit,
    headers: Record<string, string> = {},
  ) => {
    const response = await fetch(`http://edge.example${path}`, { method, headers, ...(body && { body }) })
    return { status: response.status, body: await response.json() }
  }
  const json = (method: string, path: string, body: object) =>
    call(method, path, JSON.stringify(body), { 'content-type': 'application/json' })
  const keys = async () => (await store.list('')).objects.map(({ key }) => key)
  return { client, call, json, keys, conformance }
}

const recording = (bytes: number) => Uint8Array.from({ length: bytes }, (_, i) => (i * 7) & 255)
const wanted = (bytes: number) => ({
  filename: 'call.wav',
  bytes,
  mime_type: 'audio/wav',
  purpose: 'user_data' as const,
})
const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex')

describe('the openai client', () => {
  test('keeps, lists, reads and deletes a file', async () => {
    const { client, conformance, keys } = setUp()
    const bytes = recording(1000)
    const file = await client.files.create({ file: await toFile(bytes, 'a.wav'), purpose: 'user_data' })
    expect(file).toMatchObject({ bytes: 1000, filename: 'a.wav', sha256: sha256(bytes) })
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([file.id])
    expect((await client.files.retrieve(file.id)).status).toBe('processed')
    const content = await client.files.content(file.id)
    expect(new Uint8Array(await content.arrayBuffer())).toEqual(bytes)
    expect(content.headers.get('content-disposition')).toBe('attachment')
    expect(await client.files.delete(file.id)).toMatchObject({ deleted: true })
    await expect(client.files.retrieve(file.id)).rejects.toMatchObject({
      status: 404,
      code: 'file_not_found',
    })
    expect(await keys()).toEqual([])
    expect(conformance.takeProblems()).toEqual([])
  })

  test('uploads in parts, in the order that it names at the end', async () => {
    const { client, conformance, keys } = setUp()
    const bytes = recording(2500)
    const upload = await client.uploads.create(wanted(2500))
    const part = async (from: number, to: number) =>
      client.uploads.parts.create(upload.id, { data: await toFile(bytes.subarray(from, to), 'part') })
    const [last, first] = [await part(1000, 2500), await part(0, 1000)]
    const done = await client.uploads.complete(upload.id, { part_ids: [first.id, last.id] })
    expect(done).toMatchObject({ status: 'completed', file: { bytes: 2500, sha256: sha256(bytes) } })
    expect((await client.uploads.complete(upload.id, { part_ids: [first.id] })).file!.id).toBe(done.file!.id)
    expect((await keys()).filter(key => key.includes('/parts/'))).toEqual([])
    expect(conformance.takeProblems()).toEqual([])
  })

  test('gives an upload up', async () => {
    const { client, keys } = setUp()
    const upload = await client.uploads.create(wanted(10))
    await client.uploads.parts.create(upload.id, { data: await toFile(recording(10), 'part') })
    expect((await client.uploads.cancel(upload.id)).status).toBe('cancelled')
    await expect(client.uploads.complete(upload.id, { part_ids: ['x'] })).rejects.toMatchObject({
      status: 404,
    })
    expect((await keys()).filter(key => key.includes('/parts/'))).toEqual([])
  })
})

describe('uploads', () => {
  test('at once: where the answer says, then completed', async () => {
    const { call, json, conformance } = setUp()
    const bytes = recording(5000)
    const { body: upload } = await json('POST', '/v1/uploads', wanted(5000))
    expect(upload.direct).toEqual({
      method: 'PUT',
      url: `http://edge.example/v1/uploads/${upload.id}/content`,
      fields: null,
    })
    await call('PUT', new URL(upload.direct.url).pathname, bytes)
    const done = await json('POST', `/v1/uploads/${upload.id}/complete`, { sha256: sha256(bytes) })
    expect(done.body.file).toMatchObject({ bytes: 5000, sha256: sha256(bytes) })
    expect(conformance.takeProblems()).toEqual([])
  })

  test('go on after a break: the parts that have come are listed', async () => {
    const { call, json } = setUp()
    const { body: upload } = await json('POST', '/v1/uploads', wanted(20))
    const path = `/v1/uploads/${upload.id}/parts`
    const { body: part } = await call('POST', path, recording(20).subarray(0, 12), {
      'content-type': 'application/octet-stream',
    })
    const { body: list } = await call('GET', path)
    expect(list.data.map(({ id }: { id: string }) => id)).toEqual([part.id])
  })

  test.each<
    [
      string,
      (api: ReturnType<typeof setUp>, id: string) => Promise<{ status: number; body: unknown }>,
      object,
    ]
  >([
    [
      'nothing has come',
      ({ json }, id) => json('POST', `/v1/uploads/${id}/complete`, {}),
      { code: 'upload_incomplete' },
    ],
    [
      'too little has come',
      async ({ call, json }, id) => {
        await call('PUT', `/v1/uploads/${id}/content`, recording(9))
        return json('POST', `/v1/uploads/${id}/complete`, {})
      },
      { code: 'upload_incomplete', message: expect.stringContaining('9 bytes have come, 10 were said') },
    ],
    [
      'too much comes',
      ({ call }, id) => call('PUT', `/v1/uploads/${id}/content`, recording(11)),
      { code: 'payload_too_large' },
    ],
    [
      'it is damaged',
      async ({ call, json }, id) => {
        await call('PUT', `/v1/uploads/${id}/content`, recording(10))
        return json('POST', `/v1/uploads/${id}/complete`, { sha256: '0'.repeat(64) })
      },
      { code: 'upload_incomplete', message: expect.stringContaining('SHA-256') },
    ],
    [
      'a part is unknown',
      ({ json }, id) => json('POST', `/v1/uploads/${id}/complete`, { part_ids: ['../x'] }),
      { code: 'upload_incomplete' },
    ],
    [
      'it is unknown',
      ({ json }) => json('POST', '/v1/uploads/upload_1/complete', {}),
      { code: 'upload_not_found' },
    ],
  ])('are not completed when %s', async (_name, act, error) => {
    const api = setUp()
    const { body: upload } = await api.json('POST', '/v1/uploads', wanted(10))
    const { status, body } = await act(api, upload.id)
    expect([404, 400, 413]).toContain(status)
    expect(body).toMatchObject({ error })
    expect((await api.keys()).filter(key => key.includes('/audio/'))).toEqual([])
  })

  test.each([
    [{ mime_type: 'text/html' }, 'mime_type'],
    [{ bytes: 600 * 1024 * 1024 }, 'bytes'],
    [{ bytes: 0 }, 'bytes'],
    [{ filename: '../x' }, 'filename'],
    [{ expires_after: { anchor: 'created_at', seconds: 1 } }, 'expires_after.seconds'],
  ])('%j is refused', async (changes, param) => {
    const { status, body } = await setUp().json('POST', '/v1/uploads', { ...wanted(10), ...changes })
    expect([status, body.error.param]).toEqual([400, param])
  })
})
