import { describe, expect, test } from 'vitest'
import { parseJson, readBody, requireJson } from './read-body.ts'

const url = 'http://edge/'
const post = (body: BodyInit | null, headers: HeadersInit = {}) =>
  new Request(url, { method: 'POST', body, headers, duplex: 'half' } as RequestInit)

describe('readBody', () => {
  test('gives all bytes, in one piece or many', async () => {
    expect(await readBody(post('hello'), 5)).toEqual(new TextEncoder().encode('hello'))
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new Uint8Array([1, 2]))
        controller.enqueue(new Uint8Array([3]))
        controller.close()
      },
    })
    expect(await readBody(post(pieces), 3)).toEqual(new Uint8Array([1, 2, 3]))
    expect(await readBody(new Request(url), 3)).toEqual(new Uint8Array(0))
  })

  test('refuses by the declared length without reading', async () => {
    let pulled = 0
    const body = new ReadableStream({ pull: () => void pulled++ }, { highWaterMark: 0 })
    await expect(readBody(post(body, { 'content-length': '11' }), 10)).rejects.toMatchObject({
      code: 'payload_too_large',
    })
    expect(pulled).toBe(0)
  })

  test('stops reading as soon as it is too much, whatever was declared', async () => {
    let sent = 0
    const endless = new ReadableStream<Uint8Array>({
      pull(controller) {
        sent += 1000
        controller.enqueue(new Uint8Array(1000))
      },
    })
    await expect(readBody(post(endless, { 'content-length': '10' }), 10_000)).rejects.toMatchObject({
      status: 413,
    })
    expect(sent).toBeLessThan(15_000)
  })
})

describe('parseJson', () => {
  const error = (text: string | Uint8Array) => {
    try {
      parseJson(typeof text === 'string' ? new TextEncoder().encode(text) : text)
    } catch (thrown) {
      return thrown as Error
    }
    return null
  }

  test('says where it breaks and repeats nothing', () => {
    expect(error('{"a":secret}')).toMatchObject({ code: 'invalid_json' })
    expect(error('{"a":secret}')!.message).not.toContain('secret')
    expect(error('{"a":1,}')!.message).toMatch(/character 7/)
    expect(error('')).toMatchObject({ code: 'invalid_json' })
    expect(error(new Uint8Array([0x22, 0xff, 0x22]))!.message).toMatch(/UTF-8/)
  })

  test('takes deep nesting without a stack overflow', () => {
    const depth = 200_000
    const thrown = error('['.repeat(depth) + ']'.repeat(depth))
    expect(thrown === null || (thrown as { code?: string }).code === 'invalid_json').toBe(true)
  })
})

test('requireJson takes JSON and nothing else', () => {
  for (const type of ['application/json', 'application/json; charset=utf-8', 'Application/JSON']) {
    expect(() => requireJson(post('{}', { 'content-type': type }))).not.toThrow()
  }
  expect(() => requireJson(post('{}', { 'content-type': 'text/plain' }))).toThrow(/got 'text\/plain'/)
  expect(() => requireJson(post(new Uint8Array([1])))).toThrow(/got none/)
})
