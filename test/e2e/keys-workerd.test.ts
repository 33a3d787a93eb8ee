/** Keys in Workers KV, in workerd: made, listed and revoked by the routes that `auricle keys --url` asks. */
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { newKey } from '../../src/keys/key-ring.ts'
import type { Key, NewKey } from '../../src/protocol/keys.ts'
import { type FakeWorker, startFakeWorker } from '../support/fake-worker.ts'
import { startWorkerdEdge, type WorkerdEdge } from './workerd-edge.ts'

let folder: string
let worker: FakeWorker
let edge: WorkerdEdge

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-kv-'))
  worker = await startFakeWorker()
})
afterAll(async () => {
  await edge?.stop()
  await worker?.stop()
  await rm(folder, { recursive: true, force: true })
})

/** One edge after the other, over the same KV. */
async function restart(keys: string): Promise<void> {
  await edge?.stop()
  edge = await startWorkerdEdge(worker.url, { AURICLE_KEYS: keys }, folder)
}

function call(method: string, path: string, key: string, body?: object): Promise<Response> {
  return fetch(edge.url + path, {
    method,
    headers: { authorization: `Bearer ${key}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
}
const status = async (key: string) => (await call('GET', '/v1/models', key)).status

test('the first administrator, from the configuration, makes keys that are in KV from then on', async () => {
  const first = await newKey({ tenant: 'owner', name: 'first', scopes: ['admin'] }, Date.now())
  await restart(JSON.stringify([first.record]))
  const make = async (scopes: string[]): Promise<NewKey> => {
    const response = await call('POST', '/v1/admin/keys', first.key, { tenant: 'acme', scopes })
    expect(response.status).toBe(200)
    return response.json()
  }
  const admin = await make(['admin'])
  const chatter = await make(['chat'])

  await restart('store')
  expect(await status(first.key)).toBe(401)
  expect(await status(chatter.key)).toBe(200)
  expect((await call('GET', '/v1/admin/keys', chatter.key)).status).toBe(403)
  const { data } = (await (await call('GET', '/v1/admin/keys', admin.key)).json()) as { data: Key[] }
  expect(data.map(({ id }) => id).toSorted()).toEqual([admin.id, chatter.id].toSorted())

  // Whoever verified the key a moment ago relies on that for half a minute; another edge doesn't.
  expect((await call('DELETE', `/v1/admin/keys/${chatter.id}`, admin.key)).status).toBe(200)
  await restart('store')
  expect(await status(chatter.key)).toBe(401)
  expect(await status(admin.key)).toBe(200)
})

test('KV holds no key, only hashes', async () => {
  await edge.stop()
  const files = await readdir(folder, { recursive: true, withFileTypes: true })
  const texts = await Promise.all(
    files
      .filter(file => file.isFile())
      .map(file => readFile(join(file.parentPath, file.name)).then(bytes => bytes.toString('latin1'))),
  )
  const kept = texts.join()
  expect(kept).toMatch(/"sha256":"[0-9a-f]{64}"/)
  expect(kept).not.toMatch(/auricle_[0-9a-f]{16}_/)
})
