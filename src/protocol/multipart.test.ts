import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { ApiError } from './errors.ts'
import { fieldsToObject, type MultipartLimits, readMultipart, requiredFile } from './multipart.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const limits: MultipartLimits = { maxFileBytes: 1000, maxFieldBytes: 300 }
const post = (body: BodyInit, headers: HeadersInit = {}) =>
  new Request('http://edge/', { method: 'POST', body, headers, duplex: 'half' } as RequestInit)
const typed = (body: string) => post(body, { 'content-type': 'multipart/form-data; boundary=b' })

function form(entries: [string, string | Uint8Array<ArrayBuffer>][]): FormData {
  const data = new FormData()
  for (const [name, value] of entries) {
    if (typeof value === 'string') data.append(name, value)
    else data.append(name, new Blob([value]), 'a.wav')
  }
  return data
}

describe('readMultipart', () => {
  test('gives fields and files as FormData wrote them', async () => {
    const bytes = new Uint8Array([13, 10, 45, 45, 0, 255])
    const request = post(
      form([
        ['file', bytes],
        ['model', 'wörd\r\n--'],
        ['a[]', '1'],
        ['a[]', '2'],
        ['empty', ''],
      ]),
    )
    const read = await readMultipart(request, limits)
    expect(read.files.get('file')).toEqual({ filename: 'a.wav', bytes })
    expect(Object.fromEntries(read.fields)).toEqual({ model: ['wörd\r\n--'], 'a[]': ['1', '2'], empty: [''] })
    expect(read.body.byteLength).toBeGreaterThan(400)
  })

  test('takes any form that the platform writes, in any order', async () => {
    const entry = fc.tuple(
      fc.stringMatching(/^[a-z]{1,8}(\[\])?$/),
      fc.oneof(
        fc.string({ maxLength: 20 }).map(text => text.replace(/\r\n|\r|\n/g, '\r\n')),
        fc.uint8Array({ maxLength: 200 }).map(bytes => new Uint8Array(bytes)),
      ),
    )
    const entries = fc.uniqueArray(entry, { maxLength: 6, selector: ([name]) => name })
    await fc.assert(
      fc.asyncProperty(entries, async sent => {
        const read = await readMultipart(post(form(sent)), limits)
        const got = new Map<string, unknown>([...read.fields].map(([name, values]) => [name, values[0]]))
        for (const [name, file] of read.files) got.set(name, file.bytes)
        expect(got).toEqual(new Map(sent))
      }),
      { numRuns: 200 },
    )
  })

  test('answers any bytes with a form or a typed error', async () => {
    const pieces = fc.constantFrom(
      '--b',
      '\r\n',
      '--',
      'content-disposition: form-data; name="file"',
      '; filename="x"',
      '\r\n\r\n',
      '\u0000é',
      '',
    )
    const whole = '--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1\r\n--b--\r\n'
    const body = fc.oneof(
      fc.array(pieces, { maxLength: 12 }).map(parts => parts.join('')),
      fc
        .tuple(fc.nat({ max: whole.length }), fc.string())
        .map(([at, text]) => whole.slice(0, at) + text + whole.slice(at)),
    )
    await fc.assert(
      fc.asyncProperty(body, async text => {
        const outcome = await readMultipart(typed(text), limits).catch((error: unknown) => error)
        if (outcome instanceof Error) expect(outcome).toBeInstanceOf(ApiError)
      }),
      { numRuns: 500 },
    )
  })

  test.each<[string, Request, string, string | null]>([
    ['a file over its limit', post(form([['file', new Uint8Array(1001)]])), 'payload_too_large', 'file'],
    ['a body over the limit', post(form([['file', new Uint8Array(5000)]])), 'payload_too_large', 'file'],
    ['fields over theirs', post(form([['prompt', 'x'.repeat(301)]])), 'payload_too_large', 'prompt'],
    ['JSON', post('{}', { 'content-type': 'application/json' }), 'unsupported_media_type', null],
    ['no boundary', post('x', { 'content-type': 'multipart/form-data' }), 'invalid_multipart', null],
    ['an empty body', typed(''), 'invalid_multipart', null],
    [
      'a body that is cut off',
      typed('--b\r\ncontent-disposition: form-data; name="a"\r\n\r\n1'),
      'invalid_multipart',
      null,
    ],
    [
      'a part without a name',
      typed('--b\r\ncontent-type: text/plain\r\n\r\n1\r\n--b--'),
      'invalid_multipart',
      null,
    ],
    [
      'a file sent twice',
      post(
        form([
          ['f', new Uint8Array(1)],
          ['f', new Uint8Array(1)],
        ]),
      ),
      'invalid_request',
      'f',
    ],
  ])('refuses %s', async (_, request, code, param) => {
    await expect(readMultipart(request, limits)).rejects.toMatchObject({ code, param })
  })

  test('stops reading as soon as it is too much', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1000
        controller.enqueue(new Uint8Array(1000))
      },
    })
    const request = post(endless, { 'content-type': 'multipart/form-data; boundary=b' })
    await expect(readMultipart(request, limits)).rejects.toMatchObject({ status: 413 })
    expect(sent).toBeLessThan(5000)
  })

  test('says how to send a file that came as text, or not at all', async () => {
    const read = await readMultipart(post(form([['file', 'RIFF']])), limits)
    expect(() => requiredFile(read, 'file')).toThrow(/with a filename/)
    expect(() => requiredFile(read, 'other')).toThrow(/it is missing/)
  })
})

describe('fieldsToObject', () => {
  const object = (...fields: [string, string[]][]) => fieldsToObject(new Map(fields), new Set(['list']))

  test('makes lists and objects of bracketed names', () => {
    expect(object(['list', ['a']], ['list[]', ['b']], ['x[]', ['1']])).toEqual({ list: ['a', 'b'], x: ['1'] })
    expect(object(['vad[type]', ['server_vad']], ['vad[threshold]', ['0.5']])).toEqual({
      vad: { type: 'server_vad', threshold: '0.5' },
    })
    expect(Object.keys(object(['__proto__', ['x']]))).toEqual(['__proto__'])
  })

  test('refuses names that were sent twice', () => {
    expect(() => object(['model', ['a', 'b']])).toThrow(/model: it was sent more than once/)
    expect(() => object(['a', ['1']], ['a[]', ['2']])).toThrow(/more than once/)
    expect(() => object(['a[]', ['1']], ['a[b]', ['2']])).toThrow(/more than once/)
  })
})
