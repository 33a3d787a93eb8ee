import { expect, test } from 'vitest'
import { parseColdStart, serializeColdStart } from './cold-start.ts'
import { ServerSentEventParser } from './sse.ts'

test('an event is a comment, which no client takes for an event, and can be read by one that knows it', () => {
  const text = serializeColdStart({ type: 'loading', waited_ms: 1_200 })
  expect(text).toBe(': auricle {"type":"loading","waited_ms":1200}\n\n')
  expect(new ServerSentEventParser().push(new TextEncoder().encode(text))).toEqual([])
  expect(parseColdStart(text.trim())).toEqual({ type: 'loading', waited_ms: 1_200 })
})

test.each([': ping', ': auricle {', ': auricle {"type":"else","waited_ms":1}', 'data: {}'])(
  '%s is none',
  line => {
    expect(parseColdStart(line)).toBeNull()
  },
)
