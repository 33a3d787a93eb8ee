import { describe, expect, test } from 'vitest'
import * as z from 'zod'
import { AbortedError, ApiError, ConnectionError, OutputError } from '../errors.ts'
import { chunk, completion, eventStream, refusal, scriptedClient } from '../scripted-server.ts'
import type { ChatEvent, Message } from './chat-completions.ts'

const messages: Message[] = [{ role: 'user', content: 'Hello.' }]
const params = { model: 'pocket', messages }
const usage = {
  prompt_tokens: 1,
  completion_tokens: 2,
  total_tokens: 3,
  prompt_tokens_details: { audio_tokens: 0 },
  audio: [],
}
const usageChunk = { ...chunk(''), choices: [], usage }
const done = '[DONE]'

describe('create', () => {
  test('sends audio of any kind as input_audio, and the rest as it is', async () => {
    const { client, requests } = scriptedClient([completion('Hi.')])
    const answer = await client.chat.completions.create({
      ...params,
      temperature: 0,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'audio', audio: Uint8Array.of(1, 2, 3) },
            { type: 'text', text: 'What is said?' },
          ],
        },
      ],
    })
    expect(answer.choices[0]!.message.content).toBe('Hi.')
    expect(await requests[0]!.json()).toEqual({
      model: 'pocket',
      temperature: 0,
      messages: [
        { role: 'system', content: 'Be brief.' },
        {
          role: 'user',
          content: [
            { type: 'input_audio', input_audio: { data: 'AQID' } },
            { type: 'text', text: 'What is said?' },
          ],
        },
      ],
    })
  })

  test("streams OpenAI's chunks", async () => {
    const { client } = scriptedClient([eventStream(chunk('one '), chunk('two', 'stop'), done)])
    const stream = await client.chat.completions.create({ ...params, stream: true })
    const texts: unknown[] = []
    for await (const { choices } of stream) texts.push(choices[0]?.delta.content)
    expect(texts).toEqual(['one ', 'two'])
  })

  test('a stream that is refused is an error before it begins', async () => {
    const { client } = scriptedClient([refusal(400)])
    await expect(client.chat.completions.create({ ...params, stream: true })).rejects.toBeInstanceOf(ApiError)
  })
})

describe('stream', () => {
  const collect = async (stream: AsyncIterable<ChatEvent>) => {
    const events: ChatEvent[] = []
    for await (const event of stream) events.push(event)
    return events
  }

  test('gives typed events, then the whole answer', async () => {
    const { client, requests } = scriptedClient([
      new Response(
        ': auricle {"type":"queued","waited_ms":0}\n\n: ping\n\n: auricle {"type":"ready","waited_ms":900}\n\n' +
          (await eventStream(chunk('one '), chunk('two', 'length'), usageChunk, done).text()),
      ),
    ])
    const stream = client.chat.completions.stream(params)
    expect(requests).toEqual([])
    expect(await collect(stream)).toEqual([
      { type: 'waiting', state: 'queued', waitedMs: 0 },
      { type: 'waiting', state: 'ready', waitedMs: 900 },
      { type: 'text', index: 0, text: 'one ', logprobs: undefined },
      { type: 'text', index: 0, text: 'two', logprobs: undefined },
      { type: 'finish', index: 0, reason: 'length' },
      { type: 'usage', usage },
    ])
    expect(await stream.final()).toMatchObject({
      id: 'chatcmpl-1',
      object: 'chat.completion',
      choices: [{ index: 0, message: { role: 'assistant', content: 'one two' }, finish_reason: 'length' }],
      usage,
    })
    expect(await requests[0]!.json()).toMatchObject({ stream: true, stream_options: { include_usage: true } })
  })

  test('can be had whole at once, and only once', async () => {
    const { client } = scriptedClient([eventStream(chunk('one', 'stop'), usageChunk, done)])
    const stream = client.chat.completions.stream(params)
    expect((await stream.final()).choices[0]!.message.content).toBe('one')
    await expect(collect(stream)).rejects.toThrow(/only once/)
  })

  test('puts choices together apart, with their probabilities', async () => {
    const piece = (index: number, content: string) => {
      const logprobs = { content: [{ token: content, bytes: null, logprob: -1, top_logprobs: [] }] }
      return { ...chunk(''), choices: [{ index, delta: { content }, logprobs, finish_reason: null }] }
    }
    const { client } = scriptedClient([eventStream(piece(1, 'b'), piece(0, 'a'), piece(1, 'c'), done)])
    const { choices } = await client.chat.completions.stream({ ...params, n: 2 }).final()
    expect(choices.map(({ message }) => message.content)).toEqual(['a', 'bc'])
    expect(choices[1]!.logprobs!.content!.map(({ token }) => token)).toEqual(['b', 'c'])
  })

  test('an error in the stream is thrown, after what came before it', async () => {
    const error = { message: 'The worker died.', type: 'server_error', param: null, code: 'worker_failed' }
    const { client } = scriptedClient([eventStream(chunk('one'), { error })])
    const events: ChatEvent[] = []
    const reading = (async () => {
      for await (const event of client.chat.completions.stream(params)) events.push(event)
    })()
    await expect(reading).rejects.toMatchObject({ name: 'ServerError', code: 'worker_failed', status: null })
    expect(events).toHaveLength(1)
  })

  test('a stream that just ends is an error', async () => {
    const { client } = scriptedClient([eventStream(chunk('one'))])
    await expect(collect(client.chat.completions.stream(params))).rejects.toBeInstanceOf(ConnectionError)
  })

  test('a stream that breaks goes on where it was, if it was asked for with an idempotency key', async () => {
    const numbered = (...chunks: [id: number, text: string][]) =>
      new Response(chunks.map(([id, text]) => `id: ${id}\ndata: ${JSON.stringify(chunk(text))}\n\n`).join(''))
    const ending = new Response(`id: 3\ndata: ${JSON.stringify(chunk('three', 'stop'))}\n\ndata: [DONE]\n\n`)
    const { client, requests } = scriptedClient([numbered([1, 'one ']), numbered([2, 'two ']), ending])
    const stream = client.chat.completions.stream(params, { idempotencyKey: 'once' })
    expect((await stream.final()).choices[0]!.message.content).toBe('one two three')
    expect(requests.map(({ headers }) => headers.get('last-event-id'))).toEqual([null, '1', '2'])
    expect(requests.map(({ headers }) => headers.get('idempotency-key'))).toEqual(['once', 'once', 'once'])

    const again = scriptedClient([numbered([1, 'one '])])
    await expect(again.client.chat.completions.stream(params).final()).rejects.toBeInstanceOf(ConnectionError)
    expect(again.requests).toHaveLength(1)
  })

  test('leaving the loop, or a signal, cancels the answer', async () => {
    const endless = (cancelled: () => void) =>
      new Response(
        new ReadableStream({
          pull: controller =>
            controller.enqueue(new TextEncoder().encode(`data: ${JSON.stringify(chunk('x'))}\n\n`)),
          cancel: cancelled,
        }),
      )
    let cancels = 0
    const { client } = scriptedClient([endless(() => cancels++), endless(() => cancels++)])
    const left = client.chat.completions.stream(params)
    for await (const _ of left) break
    expect(cancels).toBe(1)
    await expect(left.final()).rejects.toThrow(/not read to its end/)

    const controller = new AbortController()
    const stream = client.chat.completions.stream(params, { signal: controller.signal })
    const reading = (async () => {
      for await (const _ of stream) controller.abort()
    })()
    await expect(reading).rejects.toBeInstanceOf(AbortedError)
    expect(cancels).toBe(2)
  })
})

describe('parse', () => {
  const output = z.object({ name: z.string(), age: z.number() })

  test('asks for the schema and gives a value of its type', async () => {
    const { client, requests } = scriptedClient([completion('{"name":"Ada","age":36}')])
    const answer = await client.chat.completions.parse({ ...params, output })
    expect(answer.output.name.toUpperCase()).toBe('ADA')
    const body = await requests[0]!.json()
    expect(body).not.toHaveProperty('output')
    expect(body.response_format).toMatchObject({
      type: 'json_schema',
      json_schema: { strict: true, schema: { type: 'object', required: ['name', 'age'] } },
    })
  })

  test('takes any Standard Schema with its JSON Schema beside it', async () => {
    const { client, requests } = scriptedClient([completion('{"name":"Ada","age":36}')])
    const jsonSchema = { type: 'object' }
    const answer = await client.chat.completions.parse({ ...params, output: { schema: output, jsonSchema } })
    expect(answer.output).toEqual({ name: 'Ada', age: 36 })
    expect((await requests[0]!.json()).response_format.json_schema.schema).toEqual(jsonSchema)
  })

  test.each([
    ['cut off', completion('{"name":"A', 'length'), /cut off/],
    ['not JSON', completion('Ada is 36.'), /not JSON/],
    ['not what was asked for', completion('{"name":"Ada","age":"old"}'), /age: .*number/],
  ])('says when the answer is %s, and keeps it', async (_name, answer, message) => {
    const { client } = scriptedClient([answer])
    const error = await client.chat.completions.parse({ ...params, output }).catch(error => error)
    expect(error).toBeInstanceOf(OutputError)
    expect(error.message).toMatch(message)
    expect(error.text).toMatch(/A/)
  })
})
