// Streams of events, cut anywhere, broken off anywhere, changed anywhere: through the edge's relay, and read by the
// SDK and by the page. Where they come whole, the official client reads the same.
import fc from 'fast-check'
import { _iterSSEMessages } from 'openai/core/streaming'
import { beforeAll, expect, test } from 'vitest'
import { Auricle, AuricleError } from '../../sdk/src/index.ts'
import { type RelayEnd, relayEvents } from '../../src/fleet/relay.ts'
import { doneData, parseEvents, type ServerSentEvent } from '../../src/protocol/sse.ts'
import { readEventData } from '../../web/server-sent-events.js'
import { breakBytes, byteChanges, cutAt, cuts, streamOf } from './break-bytes.ts'
import { fuzz, inputsMade, oneIn, shares } from './inputs.ts'
import { startServers } from './servers.ts'

/** What a worker really answers: chats, a transcription, one that fails on its way; with the line ends there are. */
let answers: Uint8Array[]
beforeAll(async () => {
  const { worker, wav } = await startServers()
  const chat = async (fields: object) => {
    const body = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }], stream: true, ...fields }
    const headers = { 'content-type': 'application/json' }
    const request = new Request('http://worker/v1/chat/completions', {
      method: 'POST',
      headers,
      body: JSON.stringify(body),
    })
    return (await worker.fetch(request)).text()
  }
  const form = new FormData()
  form.append('file', new Blob([wav]), 'a.wav')
  form.append('model', 'hears')
  form.append('stream', 'true')
  const request = new Request('http://worker/v1/audio/transcriptions', { method: 'POST', body: form })
  const texts = [
    await chat({}),
    await chat({ n: 2, logprobs: true, stream_options: { include_usage: true } }),
    await (await worker.fetch(request)).text(),
    `: queued\n\nevent: error\nid: 7\ndata: {"error":{"message":"no","type":"server_error","param":null,"code":"worker_failed"}}\n\n`,
  ]
  answers = [...texts, ...texts.map(text => text.replaceAll('\n', '\r\n'))].map(text =>
    new TextEncoder().encode(text),
  )
})

/** Which events a stream may have ended with. */
const isEnd: Record<RelayEnd, (event: ServerSentEvent) => boolean> = {
  complete: ({ data }) => data === doneData || data.startsWith('{"type":"transcript.text.done"'),
  failed: ({ event, data }) => event === 'error' || data.startsWith('{"error"'),
  late: ({ data }) => data.includes('deadline_exceeded'),
  broken: () => false,
  left: () => false,
}

const input = fc.record({
  which: fc.nat(),
  cuts,
  changes: oneIn(2, byteChanges(4)),
  /** It breaks instead of ending. */
  fails: fc.boolean(),
})

test('however a stream comes, its readers get whole events and a proper end', async () => {
  await fuzz('events', shares.events, input, async ({ which, cuts, changes, fails }) => {
    const answer = answers[which % answers.length]!
    const bytes = changes === null ? answer : breakBytes(answer, changes)
    const body = () => streamOf(cutAt(bytes, cuts), fails ? new Error('connection lost') : undefined)

    let end: RelayEnd | null = null
    const relayed = relayEvents(body(), { abort: () => {}, ended: how => (end = how) })
    const passed = new Uint8Array(await new Response(relayed).arrayBuffer())
    const events = await collect(parseEvents(streamOf([passed])))
    const data = events.map(event => event.data)
    if (end === 'broken') expect(JSON.parse(data.at(-1)!).error.code).toBe('worker_failed')
    else expect(events.filter(isEnd[end ?? 'left'])).not.toEqual([])

    const seen = await readBySdk(body())
    if (changes !== null) return
    expect(Buffer.compare(passed, answer)).toBe(0)
    expect(
      await collect(
        dataOf(_iterSSEMessages(new Response(streamOf(cutAt(bytes, cuts))), new AbortController())),
      ),
    ).toEqual(data)
    expect(await collect(readEventData(streamOf(cutAt(bytes, cuts))))).toEqual(data)
    expect(seen).toBe(data.filter(each => each.startsWith('{') && !each.startsWith('{"error"')).length)
  })
  expect(inputsMade('events')).toBe(shares.events)
})

/** How many chunks the SDK gave before the end or a typed error. @throws what isn't one */
async function readBySdk(body: ReadableStream<Uint8Array>): Promise<number> {
  const response = new Response(body, { headers: { 'content-type': 'text/event-stream' } })
  const client = new Auricle({
    baseUrl: 'http://edge',
    apiKey: null,
    maxRetries: 0,
    fetch: async () => response,
  })
  const request = { model: 'fake', messages: [{ role: 'user' as const, content: 'Hello' }] }
  let chunks = 0
  try {
    const stream = await client.chat.completions.create({ ...request, stream: true })
    for await (const _ of stream) chunks++
  } catch (error) {
    if (!(error instanceof AuricleError)) throw error
  }
  return chunks
}

async function* dataOf(events: AsyncIterable<{ data: string }>): AsyncGenerator<string> {
  for await (const { data } of events) yield data
}

async function collect<T>(source: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = []
  for await (const item of source) all.push(item)
  return all
}
