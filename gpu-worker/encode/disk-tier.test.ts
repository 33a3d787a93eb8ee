import { mkdtemp, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { DiskTier } from './disk-tier.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-disk-tier-'))
})
afterEach(() => rm(folder, { recursive: true, force: true }))

const record = (text: string, blob = Uint8Array.of(1, 2, 3)) => ({ header: { text }, blobs: [blob] })
const textOf = async (tier: DiskTier, key: string) =>
  ((await tier.get(key))?.header as { text: string } | undefined)?.text ?? null

/** Every file under the folder. */
async function filesIn(path: string): Promise<string[]> {
  const entries = await readdir(path, { recursive: true, withFileTypes: true })
  return entries.filter(entry => entry.isFile()).map(entry => join(entry.parentPath, entry.name))
}

describe('records', () => {
  it('come back as they were, also after a restart', async () => {
    const blobs = [new Uint8Array(5_000_000).fill(7), new Uint8Array(0), Uint8Array.of(9)]
    const written = { header: { words: ['ü', 1.5, null] }, blobs }
    const first = await DiskTier.open(folder, 10_000_000)
    await first.set('model/tenant/audio', written)
    const again = await DiskTier.open(folder, 10_000_000)
    expect(again.keys()).toEqual(['model/tenant/audio'])
    for (const tier of [first, again]) {
      const read = await tier.get('model/tenant/audio')
      expect(read!.header).toEqual(written.header)
      expect(read!.blobs.map(blob => Buffer.compare(blob, blobs[read!.blobs.indexOf(blob)]!))).toEqual([
        0, 0, 0,
      ])
      expect(await tier.get('model/other/audio')).toBeNull()
      expect(tier.stats()).toMatchObject({ entries: 1, hits: 1, misses: 1, corrupt: 0, failures: 0 })
    }
  })

  it('that are damaged anywhere are absent, removed, and replaced', async () => {
    const tier = await DiskTier.open(folder, 10_000)
    await tier.set('a', record('whole'))
    const path = join(folder, 'a')
    const whole = await readFile(path)
    for (const position of whole.keys()) {
      const damaged = Buffer.from(whole)
      damaged[position]! ^= 1 + (position % 255)
      await writeFile(path, damaged)
      expect(await textOf(tier, 'a')).toBeNull()
      expect(await filesIn(folder)).toEqual([])
    }
    for (const length of [0, 3, 40, whole.length - 1]) {
      await writeFile(path, whole)
      await truncate(path, length)
      expect(await textOf(tier, 'a')).toBeNull()
    }
    expect(tier.stats()).toMatchObject({ entries: 0, bytes: 0, corrupt: whole.length + 4 })
    await tier.set('a', record('anew'))
    expect(await textOf(tier, 'a')).toBe('anew')
  })

  it('half written by a process that died are swept away', async () => {
    await writeFile(join(folder, 'a.123.tmp'), 'half')
    const tier = await DiskTier.open(folder, 1000)
    expect(tier.keys()).toEqual([])
    expect(await filesIn(folder)).toEqual([])
  })

  it('that cannot be written are counted, and nothing else happens', async () => {
    const tier = await DiskTier.open(folder, 1000)
    await writeFile(join(folder, 'taken'), '')
    await tier.set('taken/a', record('x'))
    expect(tier.stats()).toMatchObject({ failures: 1, entries: 0 })
  })
})

describe('the bound', () => {
  it('holds for what was left by an earlier process: what was used longest ago goes', async () => {
    const wide = await DiskTier.open(folder, 1_000_000)
    for (const key of ['a', 'b', 'c']) {
      await wide.set(key, record(key, new Uint8Array(1000)))
      // The order of use survives in the files' times, which have milliseconds.
      await new Promise(resolve => setTimeout(resolve, 5))
    }
    await textOf(wide, 'a')
    await wide.settled()
    const narrow = await DiskTier.open(folder, 2500)
    expect(narrow.keys().sort()).toEqual(['a', 'c'])
    expect((await filesIn(folder)).sort()).toEqual([join(folder, 'a'), join(folder, 'c')])
  })

  it('holds whatever is written and read, and what it says is what is there', async () => {
    const keys = ['m/a', 'm/b', 'm/c', 'n/a']
    const operation = fc.record({
      key: fc.constantFrom(...keys),
      bytes: fc.option(fc.integer({ min: 0, max: 900 })),
    })
    await fc.assert(
      fc.asyncProperty(fc.array(operation, { maxLength: 25 }), async operations => {
        const place = await mkdtemp(join(folder, 'run-'))
        const tier = await DiskTier.open(place, 1200)
        const latest = new Map<string, string>()
        for (const [index, { key, bytes }] of operations.entries()) {
          if (bytes === null) {
            const text = await textOf(tier, key)
            if (text !== null) expect(text).toBe(latest.get(key))
          } else {
            await tier.set(key, record(String(index), new Uint8Array(bytes)))
            if (tier.keys().includes(key)) latest.set(key, String(index))
          }
          await tier.settled()
          const files = await filesIn(place)
          const sizes = await Promise.all(files.map(async file => (await readFile(file)).length))
          const bytesThere = sizes.reduce((sum, size) => sum + size, 0)
          expect(bytesThere).toBeLessThanOrEqual(1200)
          expect(tier.stats()).toMatchObject({ entries: files.length, bytes: bytesThere })
        }
      }),
      { numRuns: 30 },
    )
  })
})
