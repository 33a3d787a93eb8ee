/** What every ObjectStore must do; each implementation's test calls it with a fresh, empty one. */
import fc from 'fast-check'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ApiError } from '../../src/protocol/errors.ts'
import type { ObjectContent, ObjectStore } from '../../src/storage/object-store.ts'

export interface StoreUnderTest {
  store: ObjectStore
  /** False where one key can't be the beginning of another's path. */
  nests?: boolean
  stop?: () => Promise<void>
}

const options = { contentType: 'audio/wav', maxBytes: 64 * 1024 * 1024 }
const bytesOf = (text: string) => new TextEncoder().encode(text)
const textOf = async (content: ObjectContent | null) =>
  content === null ? null : await new Response(content.body).text()

/** Bytes that differ everywhere, so that a block in the wrong place shows. */
function pattern(length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length)
  for (let i = 0; i < length; i++) bytes[i] = (i * 31 + (i >> 8) * 7 + (i >> 16) * 13) & 255
  return bytes
}

function streamOf(
  bytes: Uint8Array,
  pieceBytes: number,
  onPull?: (sent: number) => void,
): ReadableStream<Uint8Array> {
  let sent = 0
  return new ReadableStream({
    pull(controller) {
      onPull?.(sent)
      if (sent >= bytes.byteLength) return controller.close()
      controller.enqueue(bytes.slice(sent, sent + pieceBytes))
      sent += pieceBytes
    },
  })
}

/** Declares the suite; `start` is called once. */
export function describeObjectStore(name: string, start: () => Promise<StoreUnderTest>): void {
  describe(`${name} as an object store`, () => {
    let store: ObjectStore
    let nests = true
    let stop: (() => Promise<void>) | undefined
    beforeAll(async () => {
      const started = await start()
      store = started.store
      nests = started.nests ?? true
      stop = started.stop
    })
    afterAll(() => stop?.())

    test('gives back what was put, and what is known of it', async () => {
      const before = Date.now() - 5_000
      const info = await store.put('a/b.wav', bytesOf('hello'), options)
      expect(info).toMatchObject({ key: 'a/b.wav', size: 5, contentType: 'audio/wav' })
      expect(info.etag).not.toBe('')
      expect(info.lastModified.getTime()).toBeGreaterThan(before)
      expect(await store.head('a/b.wav')).toEqual(info)
      const content = await store.get('a/b.wav')
      expect(content!.info).toEqual(info)
      expect(await textOf(content)).toBe('hello')
    })

    test('has nothing where nothing was put', async () => {
      expect([await store.head('none'), await store.get('none'), await store.get('a/b.wav/none')]).toEqual([
        null,
        null,
        null,
      ])
      await store.delete('none')
    })

    test('replaces, with another etag', async () => {
      const first = await store.put('replaced', bytesOf('one'), options)
      const second = await store.put('replaced', bytesOf('three'), { ...options, contentType: 'text/plain' })
      expect(second.etag).not.toBe(first.etag)
      expect(await store.head('replaced')).toMatchObject({ size: 5, contentType: 'text/plain' })
      expect(await textOf(await store.get('replaced'))).toBe('three')
    })

    test('deletes', async () => {
      await store.put('deleted/x', bytesOf('x'), options)
      await store.delete('deleted/x')
      expect(await store.head('deleted/x')).toBeNull()
      expect((await store.list('deleted/')).objects).toEqual([])
    })

    test('keeps an empty object', async () => {
      await store.put('empty', new Uint8Array(0), options)
      expect((await store.head('empty'))!.size).toBe(0)
      expect(await textOf(await store.get('empty'))).toBe('')
    })

    test('keeps an object whose key begins with another one', async context => {
      if (!nests) return context.skip()
      await store.put('nested', bytesOf('outer'), options)
      await store.put('nested/inner', bytesOf('inner'), options)
      expect(await textOf(await store.get('nested'))).toBe('outer')
      expect(await textOf(await store.get('nested/inner'))).toBe('inner')
    })

    test.each([
      [0, 3, 'abc'],
      [3, 6, 'def'],
      [4, 100, 'ef'],
      [2, 2, ''],
      [6, 8, ''],
      [50, 60, ''],
    ])('reads from %i up to %i', async (start, end, text) => {
      await store.put('range', bytesOf('abcdef'), options)
      const content = await store.get('range', { start, end })
      expect(content!.info.size).toBe(6)
      expect(await textOf(content)).toBe(text)
    })

    test('takes a stream of unknown length, larger than any block, and gives it back as it was', async () => {
      const bytes = pattern(11 * 1024 * 1024 + 17)
      await store.put('large', streamOf(bytes, 300_001), options)
      expect((await store.head('large'))!.size).toBe(bytes.byteLength)
      const back = new Uint8Array(await new Response((await store.get('large'))!.body).arrayBuffer())
      expect(Buffer.compare(back, bytes)).toBe(0)
      const middle = await store.get('large', { start: 5_242_870, end: 5_242_890 })
      expect(new Uint8Array(await new Response(middle!.body).arrayBuffer())).toEqual(
        bytes.slice(5_242_870, 5_242_890),
      )
    })

    test.each([
      ['small', 1_000, 100],
      ['over several blocks', 12 * 1024 * 1024, 11 * 1024 * 1024],
    ])('stops reading at the limit, and keeps what was there (%s)', async (_name, length, maxBytes) => {
      await store.put('limited', bytesOf('before'), options)
      let pulled = 0
      const body = streamOf(pattern(length * 2), Math.ceil(length / 40), sent => {
        pulled = sent
      })
      const failure = store.put('limited', body, { ...options, maxBytes })
      await expect(failure).rejects.toMatchObject({ code: 'payload_too_large' })
      await expect(failure).rejects.toBeInstanceOf(ApiError)
      expect(pulled).toBeLessThan(length * 1.5)
      const whole = store.put('limited', pattern(length), { ...options, maxBytes })
      await expect(whole).rejects.toMatchObject({ code: 'payload_too_large' })
      expect(await textOf(await store.get('limited'))).toBe('before')
      expect((await store.list('limited')).objects).toHaveLength(1)
    })

    test.each([1, 30])('a body that breaks after %i pieces leaves what was there', async pieces => {
      await store.put('broken', bytesOf('before'), options)
      let sent = 0
      const body = new ReadableStream<Uint8Array>({
        pull(controller) {
          if (sent++ === pieces) controller.error(new Error('the client left'))
          else controller.enqueue(new Uint8Array(250_000))
        },
      })
      await expect(store.put('broken', body, options)).rejects.toThrow('the client left')
      expect(await textOf(await store.get('broken'))).toBe('before')
      expect((await store.list('broken')).objects).toHaveLength(1)
    })

    test('of writers at once one wins, whole', async () => {
      const texts = Array.from({ length: 8 }, (_, i) => String(i).repeat(1000 + i))
      await Promise.all(texts.map(text => store.put('contended', bytesOf(text), options)))
      expect(texts).toContain(await textOf(await store.get('contended')))
    })

    test('lists by prefix, in order, page by page', async () => {
      const keys = ['list/a', 'list/a0/b', 'list/ab', 'list/b', 'list/c/d/e', 'list/c0']
      for (const key of keys) await store.put(key, bytesOf(key), options)
      await store.put('lisu', bytesOf('x'), options)
      const { objects, cursor } = await store.list('list/')
      expect(objects.map(({ key, size }) => [key, size])).toEqual(keys.map(key => [key, key.length]))
      expect(cursor).toBeNull()
      expect((await store.list('list/a')).objects.map(({ key }) => key)).toEqual(keys.slice(0, 3))
      const pages: string[][] = []
      let next: string | null = ''
      while (next !== null) {
        const page = await store.list('list/', { limit: 2, ...(next === '' ? {} : { cursor: next }) })
        pages.push(page.objects.map(({ key }) => key))
        next = page.cursor
      }
      expect(pages.flat()).toEqual(keys)
      expect(Math.max(...pages.map(page => page.length))).toBe(2)
    })

    test.each([
      '',
      '/a',
      'a/',
      'a//b',
      '..',
      'a/../b',
      '.hidden',
      'a~',
      'a b',
      'ä',
      'a\0',
      'a\\b',
      'x'.repeat(513),
    ])('refuses the key %j', async key => {
      await expect(store.put(key, new Uint8Array(1), options)).rejects.toThrow(TypeError)
      await expect(store.get(key)).rejects.toThrow(TypeError)
      await expect(store.head(key)).rejects.toThrow(TypeError)
      await expect(store.delete(key)).rejects.toThrow(TypeError)
    })

    test('gives back any bytes, however they come', async () => {
      const sizes = fc.tuple(fc.nat({ max: 3_000 }), fc.integer({ min: 1, max: 700 }))
      await fc.assert(
        fc.asyncProperty(sizes, async ([length, piece]) => {
          const bytes = pattern(length)
          await store.put('any', streamOf(bytes, piece), options)
          const content = await store.get('any')
          expect(new Uint8Array(await new Response(content!.body).arrayBuffer())).toEqual(bytes)
        }),
        { numRuns: 25 },
      )
    })
  })
}
