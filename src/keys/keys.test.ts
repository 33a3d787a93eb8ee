import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { createApp } from '../app.ts'
import { Fleet } from '../fleet/fleet.ts'
import { VirtualClock, VirtualFleet } from '../fleet/virtual-fleet.ts'
import { scopeOf } from '../middleware/authenticate.ts'
import type { CreateKeyRequest } from '../protocol/keys.ts'
import { operations } from '../routes/operations.ts'
import { MemoryStore } from '../storage/memory-store.ts'
import { equalsInConstantTime, idOfApiKey, makeApiKey, sha256Hex } from './api-key.ts'
import { KeyRing, newKey } from './key-ring.ts'
import { ConfiguredKeys, StoredKeys } from './key-store.ts'
import { KeyVerifier, recordLifetimeMs } from './verify-key.ts'

const by = { actor: 'cli', requestId: null }
const wanted: CreateKeyRequest = { tenant: 'acme', name: 'for tests', scopes: ['chat'] }

function setUp() {
  const time = { ms: 1_800_000_000_000 }
  const now = () => time.ms
  const store = new MemoryStore()
  const keys = new KeyVerifier(new StoredKeys(store), now)
  return { time, store, keys, ring: new KeyRing(store, now), pass: (ms: number) => (time.ms += ms) }
}

describe('a key', () => {
  test('has a form that scanners find, and is never the same twice', async () => {
    const [a, b] = [await makeApiKey(), await makeApiKey()]
    expect(a.key).toMatch(/^auricle_[0-9a-f]{16}_[A-Za-z0-9_-]{43}$/)
    expect(idOfApiKey(a.key)).toBe(a.id)
    expect(a.key).not.toBe(b.key)
    expect(a.sha256).toBe(await sha256Hex(a.key))
  })

  test('SHA-256 is that of FIPS 180-4', async () => {
    expect(await sha256Hex('abc')).toBe('ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad')
  })

  test('comparison tells equal from different', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => equalsInConstantTime(a, b) === (a === b)))
    fc.assert(fc.property(fc.string(), a => equalsInConstantTime(a, `${a}`)))
  })
})

describe('KeyRing and KeyVerifier', () => {
  test('a key that was made opens; another secret of the same id does not', async () => {
    const { keys, ring } = setUp()
    const { key, id } = await ring.create(wanted, by)
    expect(await keys.verify(key)).toMatchObject({ id, tenant: 'acme', scopes: ['chat'] })
    const last = key.at(-1) === 'A' ? 'B' : 'A'
    expect(await keys.verify(key.slice(0, -1) + last)).toBeNull()
    expect(await keys.verify((await makeApiKey()).key)).toBeNull()
    for (const text of ['', 'x', `${key}x`, id, `auricle_${'0'.repeat(16)}_${'A'.repeat(43)}`]) {
      expect(await keys.verify(text)).toBeNull()
    }
  })

  test('nothing that is stored holds the key', async () => {
    const { store, ring } = setUp()
    const { key } = await ring.create(wanted, by)
    const rotated = await ring.rotate(idOfApiKey(key)!, 10, by)
    const { objects } = await store.list('')
    const texts = await Promise.all(
      objects.map(async object => new Response((await store.get(object.key))!.body).text()),
    )
    expect(texts.length).toBe(4)
    for (const secret of [key, rotated.key]) {
      expect(texts.join()).not.toContain(secret.slice(-43))
      expect(JSON.stringify(await ring.list())).not.toContain(await sha256Hex(secret))
    }
  })

  test('expires', async () => {
    const { keys, ring, pass } = setUp()
    const { key } = await ring.create({ ...wanted, expires_in: 60 }, by)
    pass(59_000)
    expect(await keys.verify(key)).not.toBeNull()
    pass(1_000)
    expect(await keys.verify(key)).toBeNull()
  })

  test('is revoked, at the latest when its record is read again', async () => {
    const { keys, ring, store, time, pass } = setUp()
    const { key, id } = await ring.create(wanted, by)
    await keys.verify(key)
    await ring.revoke(id, by)
    expect(await new KeyVerifier(new StoredKeys(store), () => time.ms).verify(key)).toBeNull()
    pass(recordLifetimeMs)
    expect(await keys.verify(key)).toBeNull()
    await expect(ring.rotate(id, 10, by)).rejects.toMatchObject({ code: 'key_not_found' })
  })

  test('is rotated: both work during the overlap, then only the new one', async () => {
    const { keys, ring, pass } = setUp()
    const old = await ring.create(wanted, by)
    const rotated = await ring.rotate(old.id, 3600, by)
    expect(rotated).toMatchObject({ tenant: 'acme', scopes: ['chat'], name: 'for tests' })
    expect(await keys.verify(old.key)).not.toBeNull()
    expect(await keys.verify(rotated.key)).not.toBeNull()
    pass(3_600_000)
    expect(await keys.verify(old.key)).toBeNull()
    expect(await keys.verify(rotated.key)).not.toBeNull()
  })

  test('rotation does not lengthen a life', async () => {
    const { ring } = setUp()
    const old = await ring.create({ ...wanted, expires_in: 10 }, by)
    await ring.rotate(old.id, 3600, by)
    expect((await ring.list()).find(({ id }) => id === old.id)!.expires_at).toBe(old.created_at + 10)
  })

  test('every act is in the audit log, the latest first', async () => {
    const { ring, pass } = setUp()
    const { id } = await ring.create(wanted, by)
    pass(1000)
    const rotated = await ring.rotate(id, 10, { actor: 'feedfeedfeedfeed', requestId: 'req_1' })
    pass(1000)
    await ring.revoke(rotated.id, by)
    await ring.revoke(rotated.id, by)
    expect((await ring.audit()).map(({ action, key_id, actor }) => [action, key_id, actor])).toEqual([
      ['key.revoke', rotated.id, 'cli'],
      ['key.rotate', id, 'feedfeedfeedfeed'],
      ['key.create', id, 'cli'],
    ])
  })

  test.each(['none', '../x', ''])('there is no key %j', async id => {
    await expect(setUp().ring.revoke(id, by)).rejects.toMatchObject({ code: 'key_not_found' })
  })
})

describe('ConfiguredKeys', () => {
  test('takes records as they are printed', async () => {
    const { record, key } = await newKey(wanted, 0)
    const keys = new KeyVerifier(new ConfiguredKeys(JSON.stringify([record])), Date.now)
    expect(await keys.verify(key)).toMatchObject({ tenant: 'acme' })
  })

  test('a key in the place of a record is not repeated in the error', async () => {
    const { key } = await makeApiKey()
    for (const text of [key, JSON.stringify([key]), JSON.stringify([{ sha256: key }])]) {
      expect(() => new ConfiguredKeys(text)).toThrow(/AURICLE_KEYS/)
      expect(() => new ConfiguredKeys(text)).not.toThrow(new RegExp(key))
    }
  })
})

describe('the edge with keys', () => {
  async function edge() {
    const { store, keys, ring } = setUp()
    const workers = new VirtualFleet()
    const tenants: (string | null)[] = []
    workers.add('a', {
      chat: async request => {
        tenants.push(request.headers.get('x-auricle-tenant'))
        return Response.json({})
      },
    })
    const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
    const report = vi.fn()
    const app = createApp({ fleet, keys, store, report })
    const call = (method: string, path: string, key: string | null, body?: object, more = {}) =>
      app.request(path, {
        method,
        headers: {
          ...(key !== null && { authorization: `Bearer ${key}` }),
          ...(body && { 'content-type': 'application/json' }),
          ...more,
        },
        ...(body && { body: JSON.stringify(body) }),
      })
    const chat = (key: string | null, more = {}) =>
      call(
        'POST',
        '/v1/chat/completions',
        key,
        { model: 'pocket', messages: [{ role: 'user', content: 'Hi' }] },
        more,
      )
    return { chat, call, ring, tenants, report, app }
  }

  test('lets in who has one, as its tenant, whatever else the request claims', async () => {
    const { chat, ring, tenants } = await edge()
    const { key } = await ring.create(wanted, by)
    expect((await chat(key, { 'x-auricle-tenant': 'other' })).status).toBe(200)
    expect(tenants).toEqual(['acme'])
  })

  test.each(['/v1/models', '/v1/nothing', '/v1/admin/keys'])('asks for one at %s', async path => {
    const { call } = await edge()
    const response = await call('GET', path, null)
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, 'Bearer'])
    expect((await response.json()).error.code).toBe('invalid_api_key')
    expect((await call('GET', path, 'auricle_wrong')).status).toBe(401)
  })

  test.each(['/healthz', '/readyz', '/openapi.json'])('asks for none at %s', async path => {
    const { call } = await edge()
    expect((await call('GET', path, null)).status).toBe(200)
  })

  test('holds the scopes against the path', async () => {
    const { chat, call, ring } = await edge()
    const chatter = await ring.create(wanted, by)
    const transcriber = await ring.create({ ...wanted, scopes: ['transcribe'] }, by)
    expect((await chat(transcriber.key)).status).toBe(403)
    expect((await call('GET', '/v1/admin/keys', chatter.key)).status).toBe(403)
    expect((await call('POST', '/v1/audio/transcriptions', chatter.key)).status).toBe(403)
    expect((await call('GET', '/v1/models', transcriber.key)).status).toBe(200)
  })

  test('has a scope for every path that makes work', () => {
    const free = /^\/v1\/(files|uploads)|^\/fleet\//
    const open = operations.filter(
      ({ method, path }) => method === 'post' && !free.test(path) && scopeOf(path) === null,
    )
    expect(open.map(({ path }) => path)).toEqual([])
  })

  test('an administrator makes, lists, rotates and revokes keys, and is written down', async () => {
    const { chat, call, ring } = await edge()
    const admin = await ring.create({ ...wanted, scopes: ['admin'] }, by)
    const made = await (await call('POST', '/v1/admin/keys', admin.key, wanted)).json()
    expect((await chat(made.key)).status).toBe(200)
    const rotated = await call('POST', `/v1/admin/keys/${made.id}/rotate`, admin.key, { overlap: 5 })
    expect((await chat((await rotated.json()).key)).status).toBe(200)
    const revoked = await call('DELETE', `/v1/admin/keys/${made.id}`, admin.key)
    expect((await revoked.json()).revoked_at).not.toBeNull()
    const { data } = await (await call('GET', '/v1/admin/audit', admin.key)).json()
    expect(
      data.map((entry: { action: string; actor: string }) => [entry.action, entry.actor]),
    ).toContainEqual(['key.revoke', admin.id])
    const list = await (await call('GET', '/v1/admin/keys', admin.key)).text()
    expect(JSON.parse(list).data).toHaveLength(3)
    expect(list).not.toMatch(/sha256|auricle_/)
    const wrong = await call('POST', '/v1/admin/keys', admin.key, { ...wanted, scopes: ['root'] })
    expect([wrong.status, (await wrong.json()).error.param]).toEqual([400, 'scopes[0]'])
  })

  test('no answer and no report repeats a key', async () => {
    const { call, report, ring } = await edge()
    const { key } = await ring.create(wanted, by)
    for (const text of [key, `${key}x`, 'secret-of-someone']) {
      for (const path of ['/v1/nothing', '/v1/admin/keys', `/v1/models/x`]) {
        expect(await (await call('GET', path, text)).text()).not.toContain(text)
      }
    }
    expect(JSON.stringify(report.mock.calls)).not.toContain(key)
  })
})

test('an edge without keys knows no administrator', async () => {
  const workers = new VirtualFleet()
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const response = await createApp({ fleet }).request('/v1/admin/keys')
  expect([response.status, (await response.json()).error.code]).toEqual([403, 'permission_denied'])
})
