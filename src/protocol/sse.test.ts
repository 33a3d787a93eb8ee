import fc from 'fast-check'
import { describe, expect, test, vi } from 'vitest'
import { serializeErrorEvent } from './error-response.ts'
import { ApiError } from './errors.ts'
import {
  parseEvents,
  type ServerSentEvent,
  ServerSentEventParser,
  serializeComment,
  serializeEvent,
} from './sse.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const encode = (text: string) => new TextEncoder().encode(text)

/** All events of a text that arrives in pieces, cut at the given places. */
function parseInPieces(bytes: Uint8Array, cuts: readonly number[]): ServerSentEvent[] {
  const parser = new ServerSentEventParser()
  const places = [0, ...cuts.map(cut => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  return places.slice(1).flatMap((end, index) => parser.push(bytes.subarray(places[index]!, end)))
}

const parse = (text: string) => parseInPieces(encode(text), [])

describe('the parser', () => {
  test.each<[string, string, ServerSentEvent[]]>([
    ['an event', 'data: hello\n\n', [{ data: 'hello' }]],
    ['no space after the colon', 'data:hello\n\n', [{ data: 'hello' }]],
    ['only one space is taken off', 'data:  hello\n\n', [{ data: ' hello' }]],
    ['several data lines', 'data: a\ndata: b\n\n', [{ data: 'a\nb' }]],
    ['event and id', 'event: error\nid: 7\ndata: x\n\n', [{ event: 'error', id: '7', data: 'x' }]],
    [
      'names do not stay for the next event',
      'event: a\ndata: 1\n\ndata: 2\n\n',
      [{ event: 'a', data: '1' }, { data: '2' }],
    ],
    ['comments', ': ping\n\ndata: x\n\n', [{ data: 'x' }]],
    ['unknown fields', 'retry: 10\nfoo: bar\ndata: x\n\n', [{ data: 'x' }]],
    ['a field without a colon', 'data\n\n', [{ data: '' }]],
    ['carriage returns', 'data: a\r\n\r\ndata: b\r\r', [{ data: 'a' }, { data: 'b' }]],
    ['a byte order mark', '\uFEFFdata: x\n\n', [{ data: 'x' }]],
    ['an event without data is none', 'event: x\n\n', []],
    ['an event that was cut off is dropped', 'data: a\n\ndata: b\n', [{ data: 'a' }]],
  ])('%s', (_name, text, events) => {
    expect(parse(text)).toEqual(events)
  })

  test('tells of comments where asked', () => {
    const comments: string[] = []
    const parser = new ServerSentEventParser(comment => comments.push(comment))
    expect(parser.push(encode(': ping\n:pong\ndata: x\n\n'))).toEqual([{ data: 'x' }])
    expect(comments).toEqual(['ping', 'pong'])
  })

  test('refuses an event without end', () => {
    const parser = new ServerSentEventParser()
    const piece = encode('x'.repeat(1024 * 1024))
    expect(() => {
      for (let i = 0; i < 20; i++) parser.push(piece)
    }).toThrow(RangeError)
  })

  test('gives the same events however the bytes are cut', () => {
    const piece = fc.oneof(
      fc.constantFrom(
        '\n',
        '\r',
        '\r\n',
        ':',
        ' ',
        'data',
        'data: ',
        'event: ',
        'id: ',
        '\n\n',
        '\r\n\r\n',
        'é',
        '🎧',
      ),
      fc.string({ maxLength: 5 }),
    )
    fc.assert(
      fc.property(
        fc.array(piece, { maxLength: 40 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        (pieces, cuts) => {
          const bytes = encode(pieces.join(''))
          expect(parseInPieces(bytes, cuts)).toEqual(parseInPieces(bytes, []))
        },
      ),
      { numRuns: 300 },
    )
  })

  test('takes any bytes without throwing', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), bytes => {
        for (const event of parseInPieces(bytes, [3, 50])) expect(typeof event.data).toBe('string')
      }),
      { numRuns: 300 },
    )
  })

  test('reads back what was serialised', () => {
    const line = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 20 })
      .map(text => text.replace(/[\r\n\0]/g, '-'))
    const event = fc.record(
      { event: line, id: line, data: fc.string({ unit: fc.constantFrom('a', ' ', ':', '\n', '\r', '🎧') }) },
      { requiredKeys: ['data'] },
    )
    fc.assert(
      fc.property(fc.array(event, { maxLength: 5 }), events => {
        const wanted = events.map(each => ({ ...each, data: each.data.replace(/\r\n|\r/g, '\n') }))
        const text = events.map(serializeEvent).join(serializeComment('still here'))
        expect(parse(text)).toEqual(wanted)
      }),
      { numRuns: 200 },
    )
  })
})

test('a name cannot smuggle in another line', () => {
  expect(parse(serializeEvent({ event: 'a\ndata: evil', data: 'good' }))).toEqual([
    { event: 'a data: evil', data: 'good' },
  ])
})

test('an error event holds the error body', () => {
  const [event] = parse(serializeErrorEvent(new ApiError('worker_failed', { message: 'broke' })))
  expect(event!.event).toBe('error')
  expect(JSON.parse(event!.data).error).toMatchObject({ code: 'worker_failed', message: 'broke' })
})

describe('parseEvents', () => {
  test('reads a body to its end', async () => {
    const events: ServerSentEvent[] = []
    for await (const event of parseEvents(new Response('data: 1\n\ndata: 2\n\n').body!)) events.push(event)
    expect(events).toEqual([{ data: '1' }, { data: '2' }])
  })

  test('cancels the body when the loop is left', async () => {
    let cancelled = false
    const body = new ReadableStream<Uint8Array>({
      pull: controller => controller.enqueue(encode('data: more\n\n')),
      cancel: () => {
        cancelled = true
      },
    })
    for await (const _ of parseEvents(body)) break
    expect(cancelled).toBe(true)
  })
})
