/** The edge's own connections beside Node's fetch: both must do what the fleet relies on. */
import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setImmediate } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { WorkerFetch, WorkerRequestInit } from '../../src/fleet/worker-fetch.ts'
import { createWorkerFetch } from './worker-fetch.ts'

const pieceBytes = 64 * 1024
const floodBytes = 32 * 1024 * 1024
const manyEvents = 5000

let server: Server
let url: string
const seen = { closed: 0, flooded: 0, ports: new Set<number | undefined>() }

beforeAll(async () => {
  server = createServer((request, response) => void answer(request, response))
  await once(server.listen(0, '127.0.0.1'), 'listening')
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
})
afterAll(() => {
  server.closeAllConnections()
  server.close()
})

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.once('close', () => {
    if (!response.writableFinished) seen.closed++
  })
  seen.ports.add(request.socket.remotePort)
  const chunks = await request.toArray()
  switch (request.url?.split('?')[0]) {
    case '/echo':
      response.setHeader('x-asked', `${request.method} ${request.url} ${request.headers['x-test']}`)
      return void response.end(Buffer.concat(chunks))
    case '/events':
      for (const word of ['one', 'two', 'three']) {
        response.write(`data: ${word}\n\n`)
        await setImmediate()
      }
      return void response.end()
    case '/many':
      for (let index = 0; index < manyEvents; index++) response.write(`data: ${index}${' '.repeat(120)}\n\n`)
      return void response.end()
    case '/flood':
      for (seen.flooded = 0; seen.flooded < floodBytes; seen.flooded += pieceBytes) {
        if (!response.write(new Uint8Array(pieceBytes))) await once(response, 'drain')
      }
      return void response.end()
    case '/breaks':
      response.writeHead(200, { 'content-length': '100' })
      return void response.write('half', () => response.destroy())
    case '/elsewhere':
      return void response.writeHead(307, { location: `${url}/echo` }).end()
    case '/begins':
      response.writeHead(200, { 'content-length': '100' })
      return void response.write('{')
    case '/silent':
      return
  }
}

const never = new AbortController().signal
const init = (more: Partial<WorkerRequestInit> = {}): WorkerRequestInit => ({
  method: 'POST',
  signal: never,
  redirect: 'manual',
  ...more,
})

async function untilClosed(before: number): Promise<void> {
  await expect.poll(() => seen.closed).toBe(before + 1)
}

describe.each<[string, WorkerFetch]>([
  ['ours', createWorkerFetch()],
  ["Node's", (input, options) => fetch(input, options) as ReturnType<WorkerFetch>],
])('%s', (_name, ask) => {
  test('sends method, path, headers and body, and gives status, headers and text', async () => {
    const body = new TextEncoder().encode('{"é":1}')
    const response = await ask(`${url}/echo?a=b`, init({ headers: { 'x-test': 'yes' }, body }))
    expect([response.ok, response.status]).toEqual([true, 200])
    expect(response.headers.get('x-asked')).toBe('POST /echo?a=b yes')
    expect(response.headers.get('content-length')).toBe('8')
    expect(response.headers.get('x-none')).toBeNull()
    expect(await response.json()).toEqual({ é: 1 })
    expect(await (await ask(`${url}/echo`, { signal: never, redirect: 'manual' })).text()).toBe('')
  })

  test('gives a stream while it comes', async () => {
    const response = await ask(`${url}/events`, init())
    let text = ''
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += new TextDecoder().decode(piece)
    }
    expect(text).toBe('data: one\n\ndata: two\n\ndata: three\n\n')
  })

  test.each([
    ['at once', async () => {}],
    ['with pauses', () => setImmediate()],
  ])('gives all of many small pieces to who reads them %s', async (_how, pause) => {
    const response = await ask(`${url}/many`, init())
    let text = ''
    for await (const piece of response.body as unknown as AsyncIterable<Uint8Array>) {
      text += new TextDecoder().decode(piece)
      await pause()
    }
    expect(text.split('\n\n')).toHaveLength(manyEvents + 1)
  })

  test('gives the text as well when its stream was looked at before', async () => {
    const response = await ask(`${url}/echo`, init({ body: 'once' }))
    expect(response.body).not.toBeNull()
    expect(await response.text()).toBe('once')
  })

  test('takes no more of a stream than is read, and ends it when it is cancelled', async () => {
    const before = seen.closed
    const response = await ask(`${url}/flood`, init())
    const reader = response.body!.getReader()
    await reader.read()
    for (let round = 0; round < 100; round++) await (await ask(`${url}/echo`, init())).text()
    expect(seen.flooded).toBeLessThan(floodBytes / 2)
    await reader.cancel()
    await untilClosed(before)
  })

  test('holds little of an answer that nobody reads, and gives all of it to who does', async () => {
    const response = await ask(`${url}/flood`, init())
    for (let round = 0; round < 100; round++) await (await ask(`${url}/echo`, init())).text()
    expect(seen.flooded).toBeLessThan(floodBytes / 2)
    expect(await response.text()).toHaveLength(floodBytes)
  })

  test('uses connections again', async () => {
    await (await ask(`${url}/echo`, init())).text()
    seen.ports.clear()
    for (let round = 0; round < 50; round++) await (await ask(`${url}/echo`, init({ body: 'again' }))).text()
    // Which connection is free again first is for each to say.
    expect(seen.ports.size).toBeLessThan(5)
  })

  test('does not follow a redirect', async () => {
    const response = await ask(`${url}/elsewhere`, init({ body: '{}' }))
    expect([response.ok, response.status]).toEqual([false, 307])
  })

  test('rejects where nobody listens', async () => {
    const closed = createServer()
    await once(closed.listen(0, '127.0.0.1'), 'listening')
    const { port } = closed.address() as AddressInfo
    closed.close()
    await expect(ask(`http://127.0.0.1:${port}/`, init())).rejects.toMatchObject({
      name: 'TypeError',
      cause: { code: 'ECONNREFUSED' },
    })
  })

  test('an answer that breaks is an error of its text, and of its stream', async () => {
    const response = await ask(`${url}/breaks`, init())
    expect(response.status).toBe(200)
    await expect(response.text()).rejects.toThrow(TypeError)
    const reader = (await ask(`${url}/breaks`, init())).body!.getReader()
    await expect(reader.read().then(() => reader.read())).rejects.toThrow(TypeError)
  })

  test('an abort ends it with its reason: before it is sent, before its answer, in its text, in its stream', async () => {
    const reason = new Error('Enough.')
    await expect(ask(`${url}/echo`, init({ signal: AbortSignal.abort(reason) }))).rejects.toBe(reason)

    const connecting = new AbortController()
    const unsent = ask(`${url}/silent`, init({ signal: connecting.signal }))
    connecting.abort(reason)
    await expect(unsent).rejects.toBe(reason)

    for (const [path, wait] of [
      ['/silent', async (signal: AbortSignal) => (await ask(`${url}/silent`, init({ signal }))).text()],
      ['/begins', async (signal: AbortSignal) => (await ask(`${url}/begins`, init({ signal }))).text()],
      [
        '/begins',
        async (signal: AbortSignal) => {
          const reader = (await ask(`${url}/begins`, init({ signal }))).body!.getReader()
          while (!(await reader.read()).done) {
            // Until it breaks.
          }
        },
      ],
    ] as const) {
      const arrived = once(server, 'request', { signal: AbortSignal.timeout(10_000) })
      const before = seen.closed
      const controller = new AbortController()
      const waiting = wait(controller.signal)
      waiting.catch(() => {})
      await arrived
      controller.abort(reason)
      await expect(waiting, path).rejects.toBe(reason)
      await untilClosed(before)
    }
  })

  test('sends a form, and a body that is still coming', async () => {
    const form = new FormData()
    form.set('model', 'pocket')
    expect(await (await ask(`${url}/echo`, init({ body: form }))).text()).toContain('name="model"')
    const body = new ReadableStream<Uint8Array>({
      start(controller) {
        controller.enqueue(new TextEncoder().encode('piece '))
        controller.enqueue(new TextEncoder().encode('by piece'))
        controller.close()
      },
    })
    expect(await (await ask(`${url}/echo`, init({ body, duplex: 'half' }))).text()).toBe('piece by piece')
  })
})
