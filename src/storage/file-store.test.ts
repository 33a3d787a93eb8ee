import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { describeObjectStore } from '../../test/support/object-store-suite.ts'
import { FileStore } from './file-store.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

async function folder() {
  const root = await mkdtemp(join(tmpdir(), 'auricle-store-'))
  return { root, stop: () => rm(root, { recursive: true }) }
}

describeObjectStore('FileStore', async () => {
  const { root, stop } = await folder()
  return { store: new FileStore(join(root, 'made', 'when-needed')), stop }
})

test('files are for their owner alone, nothing unfinished stays, and what is foreign is no object', async () => {
  const { root, stop } = await folder()
  const store = new FileStore(root)
  const options = { contentType: 'audio/wav', maxBytes: 3 }
  await store.put('a', new Uint8Array(3), options)
  await expect(store.put('a', new Uint8Array(4), options)).rejects.toMatchObject({
    code: 'payload_too_large',
  })
  expect(await readdir(root)).toEqual(['a~'])
  expect((await stat(join(root, 'a~'))).mode & 0o077).toBe(0)
  await writeFile(join(root, 'notes.txt'), 'not an object')
  expect((await store.list('')).objects.map(({ key }) => key)).toEqual(['a'])
  await writeFile(join(root, 'forged~'), 'short')
  await expect(store.head('forged')).rejects.toThrow('not one of this store')
  await stop()
})
