import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { ServerSentEventParser } from '../protocol/sse.ts'
import { EventFramer } from './event-framer.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const encode = (text: string) => new TextEncoder().encode(text)
const decode = (bytes: Uint8Array) => new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes)

test('gives whole events and keeps what is incomplete', () => {
  const framer = new EventFramer()
  expect(framer.push(encode('data: 1\n\ndata: 2\n')).map(decode)).toEqual(['data: 1\n\n'])
  expect(framer.push(encode('data: 3\n')).map(decode)).toEqual([])
  expect(framer.push(encode('\r\ndata: 4\r\n\r')).map(decode)).toEqual(['data: 2\ndata: 3\n\r\n'])
  expect(framer.push(encode('\n')).map(decode)).toEqual(['data: 4\r\n\r\n'])
})

test('refuses an event without end', () => {
  const framer = new EventFramer()
  const piece = encode('x'.repeat(1024 * 1024))
  expect(() => {
    for (let i = 0; i < 6; i++) framer.push(piece)
  }).toThrow(RangeError)
})

test('changes no byte, and cuts only where an event ends, however the bytes come', () => {
  const piece = fc.constantFrom('\n', '\r', '\r\n', 'data: x', 'é', ': c', '\n\n', 'event: error\n')
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat({ max: 80 }), { maxLength: 6 }),
      (pieces, cuts) => {
        const bytes = encode(pieces.join(''))
        const framer = new EventFramer()
        const places = [
          0,
          ...cuts.map(cut => Math.min(cut, bytes.length)).sort((a, b) => a - b),
          bytes.length,
        ]
        const events = places.slice(1).flatMap((end, i) => framer.push(bytes.subarray(places[i]!, end)))
        const joined = events.map(decode).join('')
        expect(pieces.join('').startsWith(joined)).toBe(true)
        // What came out parses to as many events alone as together: nothing was cut in two.
        const together = new ServerSentEventParser().push(encode(joined))
        const alone = events.flatMap(event => new ServerSentEventParser().push(event))
        expect(alone).toEqual(together)
        // And nothing complete was held back but for a last carriage return.
        const all = new ServerSentEventParser().push(bytes)
        if (!pieces.join('').endsWith('\r')) expect(together).toEqual(all)
      },
    ),
    { numRuns: 300 },
  )
})
