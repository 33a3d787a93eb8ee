import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { idOfApiKey } from '../../src/keys/api-key.ts'
import { ConfiguredKeys, StoredKeys } from '../../src/keys/key-store.ts'
import { KeyVerifier } from '../../src/keys/verify-key.ts'
import { FileStore } from '../../src/storage/file-store.ts'
import { keys } from './keys.ts'

let root: string
let printed: string[]

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'auricle-keys-'))
  vi.stubEnv('AURICLE_STORE', root)
  printed = []
  vi.spyOn(console, 'log').mockImplementation(line => printed.push(String(line)))
})
afterEach(async () => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(root, { recursive: true })
})

/** What a command prints. */
async function run(...args: string[]): Promise<string> {
  printed = []
  await keys(args)
  return printed.join('\n')
}
const keyIn = (text: string) => /auricle_\S+/.exec(text)![0]

test('makes, lists, rotates and revokes keys that the server of the same store takes', async () => {
  const verify = (key: string) => new KeyVerifier(new StoredKeys(new FileStore(root)), Date.now).verify(key)
  const key = keyIn(await run('create', '--tenant', 'acme', '--scopes', 'chat,transcribe', '--name', 'Ann'))
  expect(await verify(key)).toMatchObject({ tenant: 'acme', scopes: ['chat', 'transcribe'], name: 'Ann' })
  const list = await run('list')
  expect(list).toContain('acme  chat,transcribe  valid  Ann')
  expect(list).not.toContain(key)
  const rotated = keyIn(await run('rotate', idOfApiKey(key)!, '--overlap', '0'))
  expect([await verify(key), (await verify(rotated))?.tenant]).toEqual([null, 'acme'])
  await run('revoke', idOfApiKey(rotated)!)
  expect(await verify(rotated)).toBeNull()
  expect((await run('audit')).match(/key\.\w+/g)).toEqual(['key.revoke', 'key.rotate', 'key.create'])
})

test('prints a record for the configuration and stores nothing', async () => {
  const text = await run('create', '--tenant', 'acme', '--scopes', 'admin', '--record')
  const verifier = new KeyVerifier(new ConfiguredKeys(text.split('\n')[0]!), Date.now)
  expect(await verifier.verify(keyIn(text))).toMatchObject({ scopes: ['admin'] })
  expect(await run('list')).not.toContain('acme')
})

test.each<[string[], RegExp]>([
  [[], /keys create/],
  [['create', '--tenant', 'a/b', '--scopes', 'chat'], /Invalid tenant/],
  [['create', '--tenant', 'a', '--scopes', 'root'], /Invalid scopes/],
  [['create', '--tenant', 'a'], /Invalid scopes/],
  [['revoke'], /keys revoke ID/],
  [['revoke', 'none'], /no valid key/],
  [['list', '--url', 'http://127.0.0.1:1'], /AURICLE_API_KEY/],
])('%j says what is wrong', async (args, message) => {
  vi.stubEnv('AURICLE_API_KEY', undefined)
  await expect(keys(args)).rejects.toThrow(message)
})
