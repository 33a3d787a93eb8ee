/**
 * What anyone may expect who points the official `openai` client at Auricle, whatever stands behind the URL: the edge
 * on Node, the edge on workerd, or a worker alone; with the fake worker or the real one.
 */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChatCompletion, ChatCompletionChunk } from '../../src/protocol/chat-completions.ts'
import { silentWav } from '../support/wav.ts'

/** Something that serves the API. */
export interface Target {
  /** Without a path. */
  url: string
  /** A model that answers chats. */
  model: string
  stop(): Promise<void>
}

/** A client that counts what it sends. */
export function countingClient(url: string, maxRetries = 0): { client: OpenAI; attempts: () => number } {
  let attempts = 0
  const client = new OpenAI({
    baseURL: `${url}/v1`,
    apiKey: 'not-needed',
    maxRetries,
    fetch: (input, init) => {
      // Before its first form the client asks `data:,` to learn about this fetch.
      if (!String(input).startsWith('data:')) attempts++
      return fetch(input, init)
    },
  })
  return { client, attempts: () => attempts }
}

/** Declares the suite; `start` is called once. */
export function describeOpenAiClient(name: string, start: () => Promise<Target>): void {
  describe(`${name}: the openai client`, () => {
    let target: Target
    let client: OpenAI
    const ask = (content: string) => ({
      model: target.model,
      max_completion_tokens: 8,
      temperature: 0,
      messages: [{ role: 'user' as const, content }],
    })

    beforeAll(async () => {
      target = await start()
      client = countingClient(target.url).client
    })
    afterAll(() => target?.stop())

    test('lists the models and retrieves one', async () => {
      const ids = (await client.models.list()).data.map(model => model.id)
      expect(ids).toContain(target.model)
      expect(await client.models.retrieve(target.model)).toMatchObject({ id: target.model, object: 'model' })
    })

    test('gets an answer of the promised shape, with a request id', async () => {
      const { data, response, request_id } = await client.chat.completions
        .create(ask('Say something.'))
        .withResponse()
      expect(ChatCompletion.parse(data)).toMatchObject({ model: target.model })
      expect(data.choices[0]!.message.content).not.toBe('')
      expect(request_id).toBe(response.headers.get('x-request-id'))
      expect(request_id).not.toBeNull()
    })

    test('gets an answer about audio, whose usage says what was covered', async () => {
      const content = [
        { type: 'input_audio' as const, input_audio: { data: await silentWav(1), format: 'wav' as const } },
        { type: 'text' as const, text: 'What do you hear?' },
      ]
      const answer = await client.chat.completions.create({
        ...ask(''),
        messages: [{ role: 'user', content }],
      })
      const { usage } = ChatCompletion.parse(answer)
      expect(usage.total_tokens).toBe(usage.prompt_tokens + usage.completion_tokens)
      expect(usage.prompt_tokens_details.audio_tokens).toBeGreaterThan(0)
      expect(usage.audio).toEqual([
        {
          index: 0,
          audio_id: expect.stringMatching(/^[0-9a-f]{64}$/),
          seconds_received: 1,
          seconds_encoded: 1,
          ranges: [{ start: 0, end: 1 }],
        },
      ])
    })

    test('gets several answers with n', async () => {
      const answer = await client.chat.completions.create({ ...ask('Say something.'), n: 2 })
      expect(answer.choices.map(choice => choice.index)).toEqual([0, 1])
    })

    test('streams what it would have answered whole', async () => {
      const whole = await client.chat.completions.create(ask('Say something.'))
      const stream = await client.chat.completions.create({ ...ask('Say something.'), stream: true })
      const chunks = []
      for await (const chunk of stream) chunks.push(ChatCompletionChunk.parse(chunk))
      expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
      expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(
        whole.choices[0]!.message.content,
      )
      expect(chunks.at(-1)!.choices[0]!.finish_reason).toBe(whole.choices[0]!.finish_reason)
      expect(new Set(chunks.map(chunk => chunk.id)).size).toBe(1)
      expect(chunks.every(chunk => !chunk.usage)).toBe(true)
    })

    test('gets the usage in a last chunk without choices when it asks for it', async () => {
      const options = { stream: true, stream_options: { include_usage: true } } as const
      const stream = await client.chat.completions.create({ ...ask('Say something.'), ...options })
      const chunks = []
      for await (const chunk of stream) chunks.push(chunk)
      expect(chunks.at(-1)!.choices).toEqual([])
      expect(chunks.at(-1)!.usage!.total_tokens).toBeGreaterThan(0)
    })

    test('leaves a stream early, and the next request is answered', async () => {
      const stream = await client.chat.completions.create({ ...ask('Say something long.'), stream: true })
      for await (const _ of stream) break
      expect((await client.chat.completions.create(ask('Hello.'))).choices).toHaveLength(1)
    })

    test('raises an error for each mistake, once, with what is wrong', async () => {
      const message = (content: unknown) => ({ messages: [{ role: 'user', content }] })
      const mistakes: [object, unknown, string, string | null][] = [
        [{ model: 'no-such-model' }, OpenAI.NotFoundError, 'model_not_found', 'model'],
        [{ temperature: 3 }, OpenAI.BadRequestError, 'invalid_request', 'temperature'],
        [{ messages: [] }, OpenAI.BadRequestError, 'invalid_request', 'messages'],
        [{ tools: [{ type: 'function' }] }, OpenAI.BadRequestError, 'unsupported_parameter', 'tools'],
        [{ temprature: 1 }, OpenAI.BadRequestError, 'unsupported_parameter', 'temprature'],
        [
          message([{ type: 'text' }]),
          OpenAI.BadRequestError,
          'invalid_request',
          'messages[0].content[0].text',
        ],
        [
          message([{ type: 'audio_url', audio_url: { url: 'ftp://example.com/a.wav' } }]),
          OpenAI.BadRequestError,
          'audio_url_unsupported',
          'messages[0].content[0].audio_url.url',
        ],
      ]
      for (const [change, kind, code, param] of mistakes) {
        const { client: counted, attempts } = countingClient(target.url, 2)
        const error = await counted.chat.completions
          .create({ ...ask('Hello.'), ...change } as never)
          .catch((thrown: unknown) => thrown)
        expect(error).toBeInstanceOf(kind)
        expect(error).toMatchObject({ code, param, type: 'invalid_request_error' })
        expect(attempts()).toBe(1)
      }
    })

    test('gets a 404 for what is not there and a 405 for a wrong method, in the shape of an error', async () => {
      const missing = await fetch(`${target.url}/v1/nothing`)
      expect([missing.status, (await missing.json()).error.code]).toEqual([404, 'not_found'])
      const wrong = await fetch(`${target.url}/v1/chat/completions`)
      expect([wrong.status, (await wrong.json()).error.code]).toEqual([405, 'method_not_allowed'])
      expect(wrong.headers.get('allow')).toContain('POST')
    })

    test('gets a 400 for a body that is not JSON and for an empty one', async () => {
      for (const body of ['{"model":', '', '\u0000']) {
        const response = await fetch(`${target.url}/v1/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json' },
          body,
        })
        expect([response.status, (await response.json()).error.code]).toEqual([400, 'invalid_json'])
      }
    })
  })
}
