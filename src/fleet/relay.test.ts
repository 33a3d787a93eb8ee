import { describe, expect, test, vi } from 'vitest'
import { openRelay, relayEvents } from './relay.ts'

const encode = (text: string) => new TextEncoder().encode(text)

/** A body of the given pieces, which then ends or breaks. */
function body(pieces: string[], broken = false): ReadableStream<Uint8Array> {
  const left = [...pieces]
  return new ReadableStream<Uint8Array>({
    pull(controller) {
      const piece = left.shift()
      if (piece !== undefined) controller.enqueue(encode(piece))
      else if (broken) controller.error(new Error('socket hang up'))
      else controller.close()
    },
  })
}

const textOf = (stream: ReadableStream<Uint8Array>) => new Response(stream).text()

describe('relayEvents', () => {
  test('passes a whole stream on unchanged', async () => {
    const text = 'data: {"a":1}\n\n: ping\n\ndata: [DONE]\n\n'
    expect(await textOf(relayEvents(body([text]), { abort: vi.fn() }))).toBe(text)
    expect(await textOf(relayEvents(body([...text]), { abort: vi.fn() }))).toBe(text)
  })

  test.each([
    ['breaks', true],
    ['ends without [DONE]', false],
  ])('ends a stream that %s in a typed error, after whole events only', async (_name, broken) => {
    const abort = vi.fn()
    const text = await textOf(relayEvents(body(['data: {"a":1}\n\nda', 'ta: {"cut'], broken), { abort }))
    const [first, last, rest] = text.split('\n\n')
    expect(first).toBe('data: {"a":1}')
    expect(last).toMatch(/^event: error\ndata: \{"error":\{.*"code":"worker_failed"/)
    expect(rest).toBe('')
    expect(abort).toHaveBeenCalledTimes(broken ? 1 : 0)
  })

  test.each(['event: error\ndata: {"error":{}}\n\n', 'data: {"error":{"code":"x"}}\n\n', 'data: [DONE]\n\n'])(
    'adds nothing after %j, whatever the socket does then',
    async end => {
      expect(await textOf(relayEvents(body([end], true), { abort: vi.fn() }))).toBe(end)
    },
  )

  test('a client that leaves aborts the worker and cancels its body', async () => {
    const cancelled = vi.fn()
    const abort = vi.fn()
    const upstream = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(encode('data: more\n\n')),
      cancel: cancelled,
    })
    const reader = relayEvents(upstream, { abort }).getReader()
    await reader.read()
    await reader.cancel()
    expect(abort).toHaveBeenCalledOnce()
    expect(cancelled).toHaveBeenCalledOnce()
  })

  test('reads no faster than the client', async () => {
    let pulled = 0
    const upstream = new ReadableStream<Uint8Array>({
      pull(controller) {
        pulled++
        controller.enqueue(encode('data: more\n\n'))
      },
    })
    const reader = relayEvents(upstream, { abort: vi.fn() }).getReader()
    await reader.read()
    await new Promise(resolve => setImmediate(resolve))
    expect(pulled).toBeLessThan(6)
    await reader.cancel()
  })
})

describe('openRelay', () => {
  const role =
    'data: {"choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}\n\n'
  const word = 'data: {"choices":[{"index":0,"delta":{"content":"Yes"},"finish_reason":null}]}\n\n'

  test.each([[[]], [[': ping\n\n']], [[role]], [[role, ': ping\n\n', role]]])(
    'a worker that breaks off after %j has begun nothing',
    async pieces => {
      await expect(openRelay(body(pieces, true), { abort: vi.fn() })).rejects.toThrow()
    },
  )

  test('from the first word on its stream is passed on, with all that came before', async () => {
    const text = await textOf(await openRelay(body([role, word], true), { abort: vi.fn() }))
    expect(text.startsWith(role + word)).toBe(true)
    expect(text).toContain('"code":"worker_failed"')
  })
})
