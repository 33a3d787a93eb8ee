import { createHash } from 'node:crypto'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createApp } from '../../src/app.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../../src/fleet/virtual-fleet.ts'
import type { DirectUpload } from '../../src/protocol/files.ts'
import { S3Store } from '../../src/storage/s3-store.ts'
import { type S3Server, startS3Server } from '../support/s3-server.ts'

let server: S3Server
let call: (path: string, body: object) => Promise<Response>

beforeAll(async () => {
  server = await startS3Server()
  const store = new S3Store({ client: server.client, bucket: server.bucket, prefix: 'auricle/' })
  const workers = new VirtualFleet()
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet, store })
  call = async (path, body) =>
    app.request(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
    })
})
afterAll(() => server?.stop())

const recording = new Uint8Array(300_000).map((_, i) => (i * 13) & 255)

async function begin(bytes: number): Promise<{ id: string; direct: DirectUpload }> {
  const wanted = { filename: 'a.wav', bytes, mime_type: 'audio/wav' }
  return (await call('/v1/uploads', wanted)).json()
}

/** As a browser sends a form: straight to S3, past the edge. */
function post(
  { url, fields }: DirectUpload,
  bytes: Uint8Array<ArrayBuffer>,
  changed: object = {},
): Promise<Response> {
  const form = new FormData()
  for (const [name, value] of Object.entries({ ...fields, ...changed })) form.append(name, value)
  form.append('file', new Blob([bytes]), 'a.wav')
  return fetch(url, { method: 'POST', body: form })
}

test('a client sends the file straight to S3 and completes it', async () => {
  const { id, direct } = await begin(recording.byteLength)
  expect(direct.method).toBe('POST')
  expect(new URL(direct.url).origin).toBe(server.url)
  const sent = await post(direct, recording)
  expect([sent.status, await sent.text()]).toEqual([204, ''])
  const completed = await (await call(`/v1/uploads/${id}/complete`, {})).json()
  const sha256 = createHash('sha256').update(recording).digest('hex')
  expect(completed).toMatchObject({ status: 'completed', file: { bytes: 300_000, sha256 } })
})

test.each<[string, (direct: DirectUpload) => Promise<Response>]>([
  ['a larger file', direct => post(direct, new Uint8Array(recording.byteLength + 1))],
  ['a smaller file', direct => post(direct, new Uint8Array(10))],
  ['another type', direct => post(direct, recording, { 'Content-Type': 'text/html' })],
  ['another place', direct => post(direct, recording, { key: 'auricle/tenants/other/audio/x' })],
])('S3 refuses %s', async (_name, send) => {
  const { id, direct } = await begin(recording.byteLength)
  expect((await send(direct)).status).toBeGreaterThanOrEqual(400)
  const completed = await (await call(`/v1/uploads/${id}/complete`, {})).json()
  expect(completed.error.code).toBe('upload_incomplete')
})
