/** JSON by a schema over the whole server, with the real weights and the official client's own helpers. */
import { readFile } from 'node:fs/promises'
import { Ajv2020 } from 'ajv/dist/2020.js'
import OpenAI from 'openai'
import { zodResponseFormat } from 'openai/helpers/zod'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import * as z from 'zod'
import { type RunningProcess, startWorker } from '../support/start-process.ts'

const folder = new URL('../fixtures/spoken-messages/', import.meta.url)
const Flight = z.object({
  summary: z.string().max(60),
  speaker: z.enum(['man', 'woman', 'unknown']),
  urgent: z.boolean(),
  people: z.array(z.string().max(20)).max(3),
  minutes: z.int().min(0).max(600).nullable(),
})

let worker: RunningProcess
let client: OpenAI
let recordings: OpenAI.ChatCompletionContentPart[]
beforeAll(async () => {
  worker = await startWorker()
  client = new OpenAI({ baseURL: `${worker.baseUrl}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000 })
  recordings = await Promise.all(
    ['00.opus', '01.opus', '02.opus'].map(async file => {
      const data = await readFile(new URL(file, folder), 'base64')
      return { type: 'input_audio' as const, input_audio: { data, format: 'wav' as const } }
    }),
  )
})
afterAll(() => worker.stop())

const about = (recording: number, format: OpenAI.ChatCompletionCreateParams['response_format']) => ({
  model: 'pocket',
  max_completion_tokens: 400,
  response_format: format!,
  messages: [
    {
      role: 'user' as const,
      content: [recordings[recording]!, { type: 'text' as const, text: 'Describe the message as JSON.' }],
    },
  ],
})

const flight = zodResponseFormat(Flight, 'flight')
const schemaFormat = (schema: Record<string, unknown>) => ({
  type: 'json_schema' as const,
  json_schema: { name: 'answer', schema },
})

describe('the official client', () => {
  test('parses the answer with its zod helper', async () => {
    for (const recording of recordings.keys()) {
      const completion = await client.chat.completions.parse(about(recording, flight))
      expect(completion.choices[0]!.finish_reason).toBe('stop')
      expect(Flight.parse(completion.choices[0]!.message.parsed)).toBeTruthy()
    }
  })

  test('parses each of n, with seeds and log-probabilities, and a stream', async () => {
    const request = { ...about(0, flight), n: 3, seed: 5, temperature: 1.2, logprobs: true }
    const completion = await client.chat.completions.parse(request)
    const texts = completion.choices.map(({ message }) => message.content)
    for (const { message, logprobs } of completion.choices) {
      expect(Flight.parse(message.parsed)).toBeTruthy()
      expect(logprobs!.content!.map(({ token }) => token).join('')).toBe(message.content)
    }
    const stream = client.chat.completions.stream(request)
    const streamed = await stream.finalChatCompletion()
    expect(streamed.choices.map(({ message }) => message.content)).toEqual(texts)
  })
})

test('random schemas at high temperature: valid, and the same alone and together', async () => {
  const ajv = new Ajv2020()
  const schemas = [
    { type: 'array', items: { enum: ['dog', 'cat', 'train'] }, minItems: 1, maxItems: 4 },
    {
      type: 'object',
      properties: { when: { type: 'string', pattern: '^\\d\\d:\\d\\d$' } },
      required: ['when'],
      additionalProperties: false,
    },
    { anyOf: [{ type: 'null' }, { type: 'number', minimum: 0, maximum: 10 }] },
    { type: 'string', minLength: 3, maxLength: 40 },
    {
      $ref: '#/$defs/tree',
      $defs: {
        tree: {
          type: 'object',
          properties: {
            label: { enum: ['a', 'b'] },
            child: { anyOf: [{ type: 'null' }, { $ref: '#/$defs/tree' }] },
          },
          required: ['label', 'child'],
          additionalProperties: false,
        },
      },
    },
    { type: 'integer', multipleOf: 5, minimum: 10, maximum: 95 },
  ]
  const ask = async (index: number) => {
    const request = { ...about(index % 3, schemaFormat(schemas[index]!)), temperature: 1.5, seed: index }
    const { choices } = await client.chat.completions.create(request)
    return choices[0]!
  }
  const alone = []
  for (const index of schemas.keys()) alone.push(await ask(index))
  for (const [index, { message, finish_reason }] of alone.entries()) {
    if (finish_reason === 'length') continue
    expect(ajv.validate(schemas[index]!, JSON.parse(message.content!)), message.content!).toBe(true)
  }
  expect(await Promise.all(schemas.map((_, index) => ask(index)))).toEqual(alone)
})

test('any object; cut where there is no room; refused with the path', async () => {
  const small = await client.chat.completions.create({ ...about(0, flight), max_completion_tokens: 5 })
  expect(small.choices[0]!.finish_reason).toBe('length')
  const whole = await client.chat.completions.create(about(0, flight))
  expect(whole.choices[0]!.message.content!.startsWith(small.choices[0]!.message.content!)).toBe(true)
  const { choices } = await client.chat.completions.create(about(1, { type: 'json_object' }))
  expect(choices[0]!.message.content).toMatch(/^\{/)
  if (choices[0]!.finish_reason === 'stop')
    expect(JSON.parse(choices[0]!.message.content!)).toBeTypeOf('object')
  const refused = client.chat.completions.create(
    about(0, schemaFormat({ type: 'object', properties: { a: { type: 'string', pattern: 'x(?=y)' } } })),
  )
  await expect(refused).rejects.toMatchObject({
    status: 400,
    code: 'json_schema_unsupported',
    param: 'response_format.json_schema.schema.properties.a',
  })
})

test('/metrics and /readyz tell of it', async () => {
  const metrics = await (await fetch(`${worker.baseUrl}/metrics`)).text()
  expect(metrics).toMatch(/^auricle_generation_tokens_total\{model_name="pocket"\} [1-9]/m)
  expect(metrics).toMatch(/^process_resident_memory_bytes [1-9]/m)
  const readiness = await (await fetch(`${worker.baseUrl}/readyz`)).json()
  expect(readiness.runtime).toMatchObject({ execution_provider: 'cpu' })
})
