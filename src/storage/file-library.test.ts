import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { FileLibrary, type NewFile } from './file-library.ts'
import { MemoryStore } from './memory-store.ts'

function setUp() {
  const time = { ms: 1_800_000_000_000 }
  const store = new MemoryStore()
  const files = new FileLibrary(store, () => time.ms)
  const newFile = (text: string, changes: Partial<NewFile> = {}): NewFile => ({
    filename: 'a.wav',
    purpose: 'user_data',
    contentType: 'audio/wav',
    expiresAt: time.ms / 1000 + 100,
    maxBytes: 1000,
    open: async () => new Blob([text]).stream(),
    ...changes,
  })
  const keys = async () => (await store.list('')).objects.map(({ key }) => key)
  const read = async (tenant: string, id: string) => new Response((await files.open(tenant, id)).body).text()
  return { time, store, files, newFile, keys, read }
}

describe('FileLibrary', () => {
  test('keeps a file and tells what it is', async () => {
    const { files, newFile, read } = setUp()
    const file = await files.add('acme', newFile('hello'))
    expect(file).toMatchObject({
      id: expect.stringMatching(/^file-[0-9a-f]{32}$/),
      bytes: 5,
      sha256: createHash('sha256').update('hello').digest('hex'),
    })
    expect(await files.find('acme', file.id)).toEqual(file)
    expect(await read('acme', file.id)).toBe('hello')
  })

  test('keeps the same bytes once a tenant, until the last file of them goes', async () => {
    const { files, newFile, keys, read } = setUp()
    const [one, two] = [await files.add('acme', newFile('same')), await files.add('acme', newFile('same'))]
    const other = await files.add('other', newFile('same'))
    const audio = async () => (await keys()).filter(key => key.includes('/audio/'))
    expect(await audio()).toHaveLength(2)
    await files.remove('acme', one.id)
    expect(await read('acme', two.id)).toBe('same')
    await files.remove('acme', two.id)
    expect(await audio()).toEqual([`tenants/other/audio/${other.sha256}`])
    await files.remove('other', other.id)
    expect(await keys()).toEqual([])
  })

  test("shows no tenant another's files", async () => {
    const { files, newFile } = setUp()
    const { id } = await files.add('acme', newFile('x'))
    for (const act of [files.find('other', id), files.open('other', id), files.remove('other', id)]) {
      await expect(act).rejects.toMatchObject({ code: 'file_not_found' })
    }
    expect((await files.list('other', 10)).files).toEqual([])
  })

  test.each(['', 'file-1', '../x', `file-${'g'.repeat(32)}`])('there is no file %j', async id => {
    await expect(setUp().files.find('acme', id)).rejects.toMatchObject({ code: 'file_not_found' })
  })

  test('a file ends when it was to end, and sweeping takes it away', async () => {
    const { files, newFile, time, keys } = setUp()
    const { id } = await files.add('acme', newFile('x'))
    const kept = await files.add('acme', newFile('y', { expiresAt: time.ms / 1000 + 1000 }))
    await files.sweep()
    await files.find('acme', id)
    time.ms += 100_000
    await expect(files.find('acme', id)).rejects.toMatchObject({ code: 'file_not_found' })
    expect((await files.list('acme', 10)).files).toEqual([kept])
    await files.sweep()
    expect((await keys()).every(key => key.includes(kept.id) || key.includes(kept.sha256))).toBe(true)
  })

  test('what is too large, or not what was said, leaves nothing', async () => {
    const { files, newFile, keys } = setUp()
    await expect(files.add('acme', newFile('x'.repeat(1001)))).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    const wrong = files.add('acme', newFile('x'), () => {
      throw new Error('wrong')
    })
    await expect(wrong).rejects.toThrow('wrong')
    expect(await keys()).toEqual([])
  })

  test('lists page by page, in the order of making', async () => {
    const { files, newFile } = setUp()
    const made = []
    for (const text of ['a', 'b', 'c']) {
      made.push((await files.add('acme', newFile(text))).id)
      await new Promise(resolve => setTimeout(resolve, 2))
    }
    const first = await files.list('acme', 2)
    expect([first.files.map(({ id }) => id), first.more]).toEqual([made.slice(0, 2), true])
    const rest = await files.list('acme', 2, made[1])
    expect([rest.files.map(({ id }) => id), rest.more]).toEqual([made.slice(2), false])
  })
})
