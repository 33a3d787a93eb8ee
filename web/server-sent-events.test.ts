import { expect, test } from 'vitest'
import { readEventData } from './server-sent-events.js'

const bytesOf = (text: string) => new TextEncoder().encode(text)

async function read(pieces: Uint8Array[]): Promise<string[]> {
  const body = new ReadableStream<Uint8Array>({
    start(controller) {
      for (const piece of pieces) controller.enqueue(piece)
      controller.close()
    },
  })
  const events: string[] = []
  for await (const data of readEventData(body)) events.push(data)
  return events
}

const STREAM =
  'data: {"a":"é"}\r\n\r\n: a comment\nevent: x\ndata: one\ndata:two\n\ndata: [DONE]\n\ndata: cut off'
const EVENTS = ['{"a":"é"}', 'one\ntwo', '[DONE]']

test('reads events whole, drops comments, names and a last event without its end', async () => {
  expect(await read([bytesOf(STREAM)])).toEqual(EVENTS)
})

test('the bytes may come one by one, within a character and within a CRLF', async () => {
  expect(await read([...bytesOf(STREAM)].map(byte => Uint8Array.of(byte)))).toEqual(EVENTS)
})

test('leaving early cancels the stream', async () => {
  let cancelled = false
  const body = new ReadableStream<Uint8Array>({
    pull: controller => controller.enqueue(bytesOf('data: more\n\n')),
    cancel: () => {
      cancelled = true
    },
  })
  for await (const _ of readEventData(body)) break
  expect(cancelled).toBe(true)
})
