import fc from 'fast-check'
import type OpenAI from 'openai'
import { describe, expect, test, vi } from 'vitest'
import { ChatCompletionRequest } from './chat-completions.ts'
import { ApiError } from './errors.ts'
import { defaultLimits } from './limits.ts'
import { chatCompletionParameters } from './openai-parameters.ts'
import { parseChatCompletionRequest } from './parse-chat-completion.ts'

// Many cases a test, on machines that may be busy.
vi.setConfig({ testTimeout: 60_000 })

const base = { model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] }
const user = (...content: unknown[]) => ({ model: 'pocket', messages: [{ role: 'user', content }] })
const audio = { type: 'input_audio', input_audio: { data: 'QUJD', format: 'wav' } }

/** The error of a request, as `code | param | message`. */
function errorOf(body: unknown): { code: string; param: string | null; message: string } {
  try {
    parseChatCompletionRequest(body)
  } catch (error) {
    if (!(error instanceof ApiError)) throw error
    return { code: error.code, param: error.param, message: error.message }
  }
  throw new Error('nothing was refused')
}

describe('takes', () => {
  test('every parameter that it documents as done', () => {
    const request = {
      ...base,
      stream: true,
      stream_options: { include_usage: true },
      max_completion_tokens: 10,
      temperature: 0,
      top_p: 0.5,
      seed: -3,
      stop: ['a', 'b'],
      n: 8,
      logprobs: true,
      top_logprobs: 20,
      frequency_penalty: -2,
      presence_penalty: 2,
      logit_bias: { 50256: -100 },
      top_k: 20,
      min_p: 0.1,
      repetition_penalty: 1.1,
      service_tier: 'flex',
      response_format: { type: 'text' },
      long_audio: 'chunk',
      grounding: false,
      hotwords: ['Xarelto'],
      ngram_model: [{ id: 'ngm_0123456789', weight: 1 }],
      ngram_weight: 0.4,
      word_bonus: -0.5,
    }
    expect(parseChatCompletionRequest(request)).toEqual(request)
    const done = Object.entries(chatCompletionParameters).filter(
      ([, { kind }]) => kind === 'done' || kind === 'extension',
    )
    const names = done.map(([name]) => name).filter(name => name !== 'max_tokens')
    expect(Object.keys(request).sort()).toEqual(names.sort())
  })

  test('null wherever a field may be left out', () => {
    const names = Object.keys(ChatCompletionRequest.shape).filter(
      name => name !== 'model' && name !== 'messages',
    )
    const nulls = Object.fromEntries(names.map(name => [name, null]))
    const parsed = parseChatCompletionRequest({ ...base, ...nulls })
    expect(JSON.parse(JSON.stringify(parsed, (_key, value) => value ?? undefined))).toEqual(base)
  })

  test('audio in both shapes, several of them, over several turns', () => {
    const request = {
      model: 'pocket',
      messages: [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: [audio, { type: 'text', text: 'What is said?' }] },
        { role: 'assistant', content: 'Hello.' },
        {
          role: 'user',
          content: [{ type: 'audio_url', audio_url: { url: 'data:audio/wav;base64,QUJD' } }, audio],
        },
      ],
    }
    expect(parseChatCompletionRequest(request)).toEqual(request)
  })

  test('the id of an audio in its place, and nothing that only looks like one', () => {
    const byId = (id: string) => user({ type: 'audio_url', audio_url: { url: `audio:${id}` } })
    const request = byId('0123456789abcdef'.repeat(4))
    expect(parseChatCompletionRequest(request)).toEqual(request)
    for (const id of ['', 'x', '../../secret', 'a'.repeat(63), 'a'.repeat(65), 'g'.repeat(64)]) {
      expect(() => parseChatCompletionRequest(byId(id))).toThrow(
        expect.objectContaining({ code: 'invalid_request', param: 'messages[0].content[0].audio_url.url' }),
      )
    }
  })

  test('an earlier answer as the openai client gave it', () => {
    const message = {
      role: 'assistant',
      content: 'Hi.',
      refusal: null,
      audio: null,
      annotations: [],
      tool_calls: [],
    }
    expect(
      parseChatCompletionRequest({ ...base, messages: [...base.messages, message] }).messages,
    ).toHaveLength(2)
  })

  test('a placeholder in a text as text', () => {
    const text = 'What does <|AUDIO|> mean?'
    expect(parseChatCompletionRequest(user({ type: 'text', text })).messages[0]!.content).toEqual([
      { type: 'text', text },
    ])
  })

  test('what the openai client’s types allow of what is done', () => {
    const typed = {
      model: 'pocket',
      messages: [
        { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'QUJD', format: 'mp3' } }] },
      ],
      stream: false,
      temperature: null,
    } satisfies OpenAI.ChatCompletionCreateParams
    expect(parseChatCompletionRequest(typed).model).toBe('pocket')
  })
})

describe('refuses', () => {
  test.each<[string, unknown, string, string | null, RegExp]>([
    ['what is no object', [], 'invalid_request', null, /JSON object/],
    ['no model', { messages: base.messages }, 'invalid_request', 'model', /missing/],
    ['no messages', { model: 'pocket' }, 'invalid_request', 'messages', /missing/],
    ['an empty conversation', { ...base, messages: [] }, 'invalid_request', 'messages', /1 items/],
    [
      'a misspelt name',
      { ...base, maxTokens: 5 },
      'unsupported_parameter',
      'maxTokens',
      /Did you mean 'max_tokens'/,
    ],
    ['an unknown name', { ...base, zebra: 5 }, 'unsupported_parameter', 'zebra', /Remove it/],
    ['a refused name', { ...base, tools: [{}] }, 'unsupported_parameter', 'tools', /cannot call tools/],
    [
      'spoken replies',
      { ...base, modalities: ['text', 'audio'] },
      'unsupported_parameter',
      'modalities',
      /spoken/,
    ],
    [
      'an unknown format of the answer',
      { ...base, response_format: { type: 'yaml' } },
      'invalid_request',
      'response_format.type',
      /./,
    ],
    [
      'a schema that cannot be enforced',
      {
        ...base,
        response_format: { type: 'json_schema', json_schema: { name: 'a', schema: { items: { not: {} } } } },
      },
      'json_schema_unsupported',
      'response_format.json_schema.schema.items.not',
      /'not'/,
    ],
    [
      'JSON in parts',
      { ...base, long_audio: 'chunk', response_format: { type: 'json_object' } },
      'invalid_request',
      'long_audio',
      /parts/,
    ],
    ['grounding without audio', { ...base, grounding: true }, 'invalid_request', 'grounding', /no audio/],
    ['storing', { ...base, store: true }, 'unsupported_parameter', 'store', /not stored/],
    ['a value out of range', { ...base, temperature: 2.5 }, 'invalid_request', 'temperature', /<=2/],
    ['a wrong type', { ...base, max_tokens: '5' }, 'invalid_request', 'max_tokens', /expected/],
    ['too many stops', { ...base, stop: ['a', 'b', 'c', 'd', 'e'] }, 'invalid_request', 'stop', /<=4/],
    [
      'a bias for no token',
      { ...base, logit_bias: { hello: 1 } },
      'invalid_request',
      'logit_bias.hello',
      /key/,
    ],
    ['top_logprobs alone', { ...base, top_logprobs: 2 }, 'invalid_request', 'top_logprobs', /logprobs/],
    ['stream_options alone', { ...base, stream_options: {} }, 'invalid_request', 'stream_options', /stream/],
    [
      'two limits that differ',
      { ...base, max_tokens: 1, max_completion_tokens: 2 },
      'invalid_request',
      'max_tokens',
      /contradicts/,
    ],
    [
      'pictures',
      user({ type: 'image_url', image_url: {} }),
      'unsupported_parameter',
      'messages[0].content[0].type',
      /hear/,
    ],
    [
      'a part of no kind',
      user({ type: 'sound' }),
      'invalid_request',
      'messages[0].content[0].type',
      /input_audio/,
    ],
    ['an empty part list', user(), 'invalid_request', 'messages[0].content', /1 items/],
    [
      'content of no kind',
      { ...base, messages: [{ role: 'user', content: 5 }] },
      'invalid_request',
      'messages[0].content',
      /string or array/,
    ],
    [
      'a misspelt field of a part',
      user({ type: 'text', texts: 'x', text: 'x' }),
      'unsupported_parameter',
      'messages[0].content[0].texts',
      /'text'/,
    ],
    [
      'a format nobody knows',
      user({ type: 'input_audio', input_audio: { data: 'QUJD', format: 'wma' } }),
      'audio_format_unsupported',
      'messages[0].content[0].input_audio.format',
      /wav/,
    ],
    [
      'empty data',
      user({ type: 'input_audio', input_audio: { data: '' } }),
      'invalid_request',
      'messages[0].content[0].input_audio.data',
      /empty/,
    ],
    [
      'ftp URLs',
      user({ type: 'audio_url', audio_url: { url: 'ftp://[::1]/' } }),
      'audio_url_unsupported',
      'messages[0].content[0].audio_url.url',
      /not taken/,
    ],
    [
      'tool messages',
      { ...base, messages: [{ role: 'tool', content: 'x' }] },
      'unsupported_parameter',
      'messages[0].role',
      /tool/,
    ],
    [
      'participants',
      { ...base, messages: [{ role: 'user', name: 'Ann', content: 'x' }] },
      'unsupported_parameter',
      'messages[0].name',
      /text/,
    ],
    [
      'spoken replies by id',
      { ...base, messages: [{ role: 'assistant', audio: { id: 'a' } }] },
      'unsupported_parameter',
      'messages[0].audio',
      /text/,
    ],
    [
      'audio of the assistant',
      { ...base, messages: [{ role: 'assistant', content: [audio] }] },
      'invalid_request',
      'messages[0].content[0]',
      /role user/,
    ],
  ])('%s', (_name, body, code, param, message) => {
    expect(errorOf(body)).toEqual({ code, param, message: expect.stringMatching(message) })
  })

  test.each(
    Object.entries(chatCompletionParameters).filter(
      ([, { kind }]) => kind === 'refused' || kind === 'default-only',
    ),
  )('%s by name and with its reason', (name, support) => {
    const error = errorOf({ ...base, [name]: { not: 'the default' } })
    expect(error).toMatchObject({ code: 'unsupported_parameter', param: name })
    expect(error.message).toContain('reason' in support ? support.reason : '')
  })

  test('a flood of parts by counting, not by checking each', () => {
    const flood = Array.from({ length: 10_000 }, () => audio)
    expect(errorOf(user(...flood)).code).toBe('too_many_audio_parts')
    expect(errorOf(user(...flood.map(() => 5))).param).toBe('messages[0].content')
    expect(errorOf({ ...base, messages: Array.from({ length: 10_000 }, () => base.messages[0]) }).param).toBe(
      'messages',
    )
    const long = 'x'.repeat(defaultLimits.maxTextCharacters + 1)
    expect(errorOf(user({ type: 'text', text: long })).code).toBe('context_length_exceeded')
  })

  test('without repeating a name of any length', () => {
    expect(errorOf({ ...base, ['x'.repeat(5000)]: 1 }).message.length).toBeLessThan(200)
    expect(errorOf(user({ type: 'text', text: 'x', ['y'.repeat(5000)]: 1 })).message.length).toBeLessThan(200)
  })
})

describe('whatever comes', () => {
  const names = fc.constantFrom(
    ...Object.keys(chatCompletionParameters),
    '__proto__',
    'constructor',
    'toString',
  )
  const part = fc.oneof(
    fc.constant(audio),
    fc.record({ type: fc.constantFrom('text', 'input_audio', 'audio_url', 'file'), text: fc.anything() }),
    fc.anything(),
  )
  const message = fc.record(
    {
      role: fc.constantFrom('user', 'assistant', 'system', 'tool', 'x'),
      content: fc.oneof(fc.string(), fc.array(part)),
      name: fc.anything(),
    },
    { requiredKeys: ['role', 'content'] },
  )
  const body = fc
    .tuple(fc.dictionary(names, fc.jsonValue()), fc.oneof(fc.array(message), fc.anything()), fc.boolean())
    .map(([extra, messages, plain]) => (plain ? { ...base, messages } : { ...base, ...extra, messages }))

  test('it is a request or an ApiError of the caller, never a crash', () => {
    fc.assert(
      fc.property(fc.oneof(body, fc.anything()), value => {
        try {
          const parsed = parseChatCompletionRequest(value)
          expect(ChatCompletionRequest.safeParse(parsed).success).toBe(true)
        } catch (error) {
          expect(error).toBeInstanceOf(ApiError)
          expect((error as ApiError).status).toBeLessThan(500)
          expect((error as ApiError).message).not.toMatch(/undefined|\[object/)
        }
      }),
      { numRuns: 300 },
    )
  })
})
