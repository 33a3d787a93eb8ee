import { createHash } from 'node:crypto'
import { describe, expect, it, vi } from 'vitest'
import { BloomFilter } from '../src/protocol/bloom-filter.ts'
import { ChatCompletion } from '../src/protocol/chat-completions.ts'
import { ApiError } from '../src/protocol/errors.ts'
import { WorkerReadiness } from '../src/protocol/health.ts'
import { defaultLimits } from '../src/protocol/limits.ts'
import { doneData, ServerSentEventParser } from '../src/protocol/sse.ts'
import { FileLibrary } from '../src/storage/file-library.ts'
import { MemoryStore } from '../src/storage/memory-store.ts'
import { silentWav } from '../test/support/wav.ts'
import { createAudioSources } from './audio-sources.ts'
import { EncoderCache } from './encode/encoder-cache.ts'
import { type FakeChatModel, fakeChatModel } from './fake-chat-model.ts'
import { parsePolicy } from './fetch/address-policy.ts'
import { createWorkerApp, type WorkerState } from './server.ts'

function appWith(
  model: FakeChatModel,
  status: WorkerState['status'] = 'ready',
  encoderCache = new EncoderCache(),
) {
  return createWorkerApp(
    { status, models: new Map([['fake', model]]), speechModels: new Map() },
    { ...defaultLimits, maxBodyBytes: 10_000 },
    { encoderCache },
  )
}

const ask = (app: ReturnType<typeof appWith>, body: object | string, init: RequestInit = {}) =>
  app.request('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: typeof body === 'string' ? body : JSON.stringify(body),
    ...init,
  })

const hello = { model: 'fake', messages: [{ role: 'user', content: 'Hello' }] }

async function events(response: Response): Promise<unknown[]> {
  const parser = new ServerSentEventParser()
  const data = parser.push(new Uint8Array(await response.arrayBuffer())).map(event => event.data)
  expect(data.at(-1) === doneData || data.at(-1)?.includes('error')).toBe(true)
  return data.filter(text => text !== doneData).map(text => JSON.parse(text) as unknown)
}

describe('a model without a recognizer', () => {
  it.each([
    [{ hotwords: ['Xarelto'] }, 'hotwords'],
    [{ ngram_model: 'ngm_0123456789' }, 'ngram_model'],
  ])('refuses words to expect: %j', async (fields, param) => {
    const model = Object.assign(fakeChatModel('Hi'), { hasRecognizer: false })
    const response = await ask(appWith(model), { ...hello, ...fields })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { code: 'unsupported_parameter', param } })
  })
})

describe('audio that is elsewhere', () => {
  const wav = async () => new Uint8Array(Buffer.from(await silentWav(0.1), 'base64'))
  const app = async () => {
    const files = new FileLibrary(new MemoryStore(), Date.now)
    const bytes = await wav()
    const file = await files.add('default', {
      filename: 'a.wav',
      purpose: 'user_data',
      contentType: 'audio/wav',
      expiresAt: Math.floor(Date.now() / 1000) + 60,
      maxBytes: 100_000,
      open: async () => new Blob([bytes]).stream(),
    })
    const sources = createAudioSources(files, parsePolicy('public'), 1000)
    const state = { status: 'ready', models: new Map([['fake', fakeChatModel('Fine.')]]) } as const
    const worker = createWorkerApp({ ...state, speechModels: new Map() }, defaultLimits, {
      audioSources: sources,
    })
    return { worker, file }
  }
  const about = (part: object) => ({ model: 'fake', messages: [{ role: 'user', content: [part] }] })

  it('is read from an uploaded file, by either name', async () => {
    const { worker, file } = await app()
    for (const part of [
      { type: 'file', file: { file_id: file.id } },
      { type: 'audio_url', audio_url: { url: `file:${file.id}` } },
    ]) {
      const completion = ChatCompletion.parse(await (await ask(worker, about(part))).json())
      expect(completion.usage.audio[0]).toMatchObject({ audio_id: file.sha256, seconds_received: 0.1 })
    }
  })

  it("is not another tenant's", async () => {
    const { worker, file } = await app()
    const headers = { 'content-type': 'application/json', 'x-auricle-tenant': 'other' }
    const response = await ask(worker, about({ type: 'file', file: { file_id: file.id } }), { headers })
    expect([response.status, (await response.json()).error.code]).toEqual([404, 'file_not_found'])
  })

  it('is not fetched from where it may not', async () => {
    const { worker } = await app()
    const part = { type: 'audio_url', audio_url: { url: 'http://169.254.169.254/latest/meta-data/' } }
    const response = await ask(worker, about(part))
    expect([response.status, (await response.json()).error]).toEqual([
      400,
      expect.objectContaining({ code: 'audio_url_refused', param: 'messages[0].content[0].audio_url.url' }),
    ])
  })
})

describe('an answer', () => {
  it('is a chat completion with usage and what was covered', async () => {
    const audio = { type: 'input_audio', input_audio: { data: await silentWav(0.1), format: 'wav' } }
    const messages = [{ role: 'user', content: [audio, { type: 'text', text: 'What?' }] }]
    const response = await ask(appWith(fakeChatModel('Fine.')), { model: 'fake', messages })
    expect(response.status).toBe(200)
    expect(response.headers.get('x-auricle-audio-seconds')).toBe('0.1')
    const completion = ChatCompletion.parse(await response.json())
    expect(completion.choices[0]).toMatchObject({ message: { content: 'Fine.' }, finish_reason: 'stop' })
    expect(completion.usage).toEqual({
      prompt_tokens: 6,
      completion_tokens: 6,
      total_tokens: 12,
      prompt_tokens_details: { audio_tokens: 1, cached_tokens: 0 },
      audio: [
        {
          index: 0,
          audio_id: createHash('sha256').update(Buffer.from(audio.input_audio.data, 'base64')).digest('hex'),
          seconds_received: 0.1,
          seconds_encoded: 0.1,
          ranges: [{ start: 0, end: 0.1 }],
        },
      ],
    })
  })

  it('stops before a stop string and after max_tokens', async () => {
    const model = fakeChatModel('one two three')
    const stopped = await (await ask(appWith(model), { ...hello, stop: [' th'] })).json()
    expect(stopped.choices[0]).toMatchObject({ message: { content: 'one two' }, finish_reason: 'stop' })
    const cut = await (await ask(appWith(model), { ...hello, max_tokens: 3 })).json()
    expect(cut.choices[0]).toMatchObject({ message: { content: 'one' }, finish_reason: 'length' })
  })

  it('comes n times, each choice with its own seed', async () => {
    const model = fakeChatModel('Hi')
    const completion = await (await ask(appWith(model), { ...hello, n: 3, seed: 7, temperature: 1 })).json()
    expect(completion.choices.map((choice: { index: number }) => choice.index)).toEqual([0, 1, 2])
    expect(model.requests.map(({ sampling }) => sampling.seed)).toEqual([7, 8, 9])
    expect(new Set(model.requests.map(({ id }) => id)).size).toBe(3)
  })

  it('has log-probabilities only where they were asked for', async () => {
    const plain = await (await ask(appWith(fakeChatModel('Hi')), hello)).json()
    expect(plain.choices[0].logprobs).toBeNull()
    const withLogprobs = { ...hello, logprobs: true, top_logprobs: 1 }
    const { choices } = await (await ask(appWith(fakeChatModel('Hi')), withLogprobs)).json()
    expect(choices[0].logprobs.content).toEqual([
      {
        token: 'H',
        bytes: [72],
        logprob: -0.25,
        top_logprobs: [{ token: 'H', bytes: [72], logprob: -0.25 }],
      },
      {
        token: 'i',
        bytes: [105],
        logprob: -0.25,
        top_logprobs: [{ token: 'i', bytes: [105], logprob: -0.25 }],
      },
    ])
  })

  it('goes to the engine with its tenant, its priority and its deadline', async () => {
    const model = fakeChatModel('Hi')
    const headers = {
      'content-type': 'application/json',
      'x-auricle-tenant': 'a',
      'x-request-timeout': '9.5',
    }
    const tiers = [undefined, 'auto', 'flex', 'priority'] as const
    const answers = await Promise.all(
      tiers.map(async tier =>
        (await ask(appWith(model), { ...hello, service_tier: tier }, { headers })).json(),
      ),
    )
    expect(answers.map(answer => answer.service_tier)).toEqual([undefined, 'default', 'flex', 'priority'])
    expect(model.requests.map(({ priority }) => priority)).toEqual(['normal', 'normal', 'low', 'high'])
    expect(model.requests.every(({ tenant }) => tenant === 'a')).toBe(true)
    const latestMs = performance.now() + 9500
    expect(model.requests.every(({ deadlineMs = Infinity }) => deadlineMs <= latestMs)).toBe(true)
    await ask(appWith(model), hello)
    expect(model.requests.at(-1)).toMatchObject({ tenant: 'default' })
    expect(model.requests.at(-1)).not.toHaveProperty('deadlineMs')
  })

  it('that takes longer than x-request-timeout allows is a typed error, and its slot is free', async () => {
    const model = fakeChatModel('abc', { endless: true })
    const headers = { 'content-type': 'application/json', 'x-request-timeout': '0.1' }
    const response = await ask(appWith(model), { ...hello, max_tokens: 100_000 }, { headers })
    expect(response.status).toBe(504)
    expect((await response.json()).error).toMatchObject({ code: 'deadline_exceeded' })
    expect(model.endings).toEqual(['aborted'])
  })

  it('takes the checkpoint that the name of the model says; without audio, the base model', async () => {
    const model = fakeChatModel('Hi')
    const content = [{ type: 'input_audio', input_audio: { data: await silentWav(0.1) } }]
    const messages = [{ role: 'user', content }]
    await ask(appWith(model), { model: 'fake', messages })
    await ask(appWith(model), { model: 'fake:dpo', messages })
    await ask(appWith(model), hello)
    expect(model.requests.map(({ checkpoint }) => checkpoint)).toEqual(['sft', 'dpo', null])
  })
})

describe('a stream', () => {
  it('is OpenAI chunks, the usage last', async () => {
    const body = { ...hello, stream: true, stream_options: { include_usage: true } }
    const response = await ask(appWith(fakeChatModel('Hi')), body)
    expect(response.headers.get('content-type')).toContain('text/event-stream')
    const chunks = (await events(response)) as {
      choices: { delta: { content?: string } }[]
      usage: unknown
    }[]
    expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe('Hi')
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage: { completion_tokens: 3 } })
  })

  it('ends in a typed error when the engine fails, and keeps its secrets', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue()
    const response = await ask(appWith(fakeChatModel('Hello', { failAfter: 2 })), { ...hello, stream: true })
    expect(response.status).toBe(200)
    const last = (await events(response)).at(-1)
    expect(last).toMatchObject({ error: { code: 'internal_error' } })
    expect(JSON.stringify(last)).not.toContain('secret')
    log.mockRestore()
  })

  it('has a status of its own when the engine refuses it', async () => {
    const model = fakeChatModel('Hello')
    const engine: FakeChatModel['engine'] = {
      ...model.engine,
      // biome-ignore lint/correctness/useYield: it refuses before the first
      async *generate() {
        throw new ApiError('overloaded', { message: 'Full.', retryAfterSeconds: 1 })
      },
    }
    const response = await ask(appWith({ ...model, engine }), { ...hello, stream: true })
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(await response.json()).toMatchObject({ error: { code: 'overloaded' } })
  })

  it('stops the engine when the reader goes away', async () => {
    const model = fakeChatModel('abc', { endless: true })
    const response = await ask(appWith(model), { ...hello, stream: true, max_tokens: 100_000 })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.read()
    await reader.cancel()
    expect(model.endings).toEqual(['aborted'])
  })

  it('stops the engine when the connection breaks before the first token', async () => {
    const model = fakeChatModel('abc', { endless: true })
    const connection = new AbortController()
    const answering = ask(appWith(model), { ...hello, max_tokens: 100_000 }, { signal: connection.signal })
    setTimeout(() => connection.abort(), 5)
    expect((await answering).status).toBe(499)
    expect(model.endings).toEqual(['aborted'])
  })

  it('is cancelled, not failed, when the connection breaks while audio is encoded', async () => {
    const connection = new AbortController()
    const whole = fakeChatModel('Hi')
    const model: FakeChatModel = {
      ...whole,
      async hearAudio(samples, who) {
        connection.abort()
        return whole.hearAudio(samples, who)
      },
    }
    const content = [{ type: 'input_audio', input_audio: { data: await silentWav(0.1) } }]
    const body = { model: 'fake', messages: [{ role: 'user', content }] }
    const answering = ask(appWith(model), body, { signal: connection.signal })
    expect((await answering).status).toBe(499)
  })
})

describe('an audio asked about again', () => {
  const about = (part: object, model = 'fake') => ({
    model,
    messages: [{ role: 'user', content: [part, { type: 'text', text: 'What?' }] }],
  })
  const byId = (id: string) => ({ type: 'audio_url', audio_url: { url: `audio:${id}` } })
  const recording = async () => ({ type: 'input_audio', input_audio: { data: await silentWav(0.1) } })
  const as = (tenant: string) => ({
    headers: { 'content-type': 'application/json', 'x-auricle-tenant': tenant },
  })
  const audioOf = async (response: Response) => ChatCompletion.parse(await response.json()).usage.audio

  it('is heard once, whether it is sent again or named, by whichever checkpoint', async () => {
    const model = fakeChatModel('Fine.')
    const app = appWith(model)
    const first = await audioOf(await ask(app, about(await recording())))
    expect(await audioOf(await ask(app, about(await recording())))).toEqual(first)
    expect(await audioOf(await ask(app, about(byId(first[0]!.audio_id))))).toEqual(first)
    expect(await audioOf(await ask(app, about(byId(first[0]!.audio_id), 'fake:dpo')))).toEqual(first)
    expect(model.heard).toEqual([1600])
    expect(model.requests).toHaveLength(4)
  })

  it('is what the fleet is told of: requests that name it find the worker that has it', async () => {
    const app = appWith(fakeChatModel('Fine.'))
    const [audio] = await audioOf(await ask(app, about(await recording())))
    const { cached_audio: filter } = WorkerReadiness.parse(await (await app.request('/readyz')).json())
    expect(BloomFilter.parse(filter!).has(audio!.audio_id)).toBe(true)
    expect(BloomFilter.parse(filter!).has('0'.repeat(64))).toBe(false)
  })

  it('is heard once when several ask at once; one who leaves takes nothing from the others', async () => {
    const begun = Promise.withResolvers<void>()
    const go = Promise.withResolvers<void>()
    const whole = fakeChatModel('Fine.')
    const model: FakeChatModel = {
      ...whole,
      async hearAudio(samples, who) {
        begun.resolve()
        await go.promise
        return whole.hearAudio(samples, who)
      },
    }
    const app = appWith(model)
    const leaving = new AbortController()
    const body = about(await recording())
    const left = ask(app, body, { signal: leaving.signal })
    await begun.promise
    const others = [1, 2, 3].map(() => ask(app, body))
    leaving.abort()
    expect((await left).status).toBe(499)
    go.resolve()
    expect((await Promise.all(others)).map(({ status }) => status)).toEqual([200, 200, 200])
    expect(model.heard).toEqual([1600])
  })

  it('is nobody else’s: another tenant learns as much of it as of one that never was', async () => {
    const model = fakeChatModel('Fine.')
    const app = appWith(model)
    const [audio] = await audioOf(await ask(app, about(await recording()), as('a')))
    expect((await ask(app, about(byId(audio!.audio_id)), as('a'))).status).toBe(200)
    const refusals = [
      await ask(app, about(byId(audio!.audio_id)), as('b')),
      await ask(app, about(byId('0'.repeat(64))), as('b')),
    ]
    expect(refusals.map(({ status }) => status)).toEqual([404, 404])
    const [theirs, none] = await Promise.all(refusals.map(async response => (await response.json()).error))
    expect(theirs).toEqual(none)
    expect(theirs).toMatchObject({ code: 'audio_not_cached', param: 'messages[0].content[0]' })
    await ask(app, about(await recording()), as('b'))
    expect(model.heard).toEqual([1600, 1600])
  })

  it('that was evicted has to be sent again, and says so', async () => {
    const model = fakeChatModel('Fine.')
    const app = appWith(model, 'ready', new EncoderCache({ maxBytes: 0 }))
    const [audio] = await audioOf(await ask(app, about(await recording())))
    const refused = await ask(app, about(byId(audio!.audio_id)))
    expect(refused.status).toBe(404)
    expect(refused.headers.get('x-should-retry')).toBe('false')
    expect((await refused.json()).error.message).toContain('Send the audio itself again')
    expect((await ask(app, about(await recording()))).status).toBe(200)
  })
})

describe('what is wrong', () => {
  const cases: [string, object | string, number, string, string | null][] = [
    ['not JSON', '{', 400, 'invalid_json', null],
    ['too large', { ...hello, user: 'x'.repeat(20_000) }, 413, 'payload_too_large', null],
    ['an unknown model', { ...hello, model: 'gpt' }, 404, 'model_not_found', 'model'],
    ['an unknown checkpoint', { ...hello, model: 'fake:x' }, 404, 'model_not_found', 'model'],
    ['a wrong field', { ...hello, temperature: 3 }, 400, 'invalid_request', 'temperature'],
    [
      'audio that is none',
      {
        ...hello,
        messages: [{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AAAA' } }] }],
      },
      400,
      'audio_unreadable',
      'messages[0].content[0]',
    ],
    [
      'a conversation over the context',
      { ...hello, messages: [{ role: 'user', content: 'x'.repeat(300) }] },
      400,
      'context_length_exceeded',
      'messages',
    ],
  ]
  it.each(cases)('%s', async (_name, body, status, code, param) => {
    const response = await ask(appWith(fakeChatModel('Hi')), body, {})
    expect(response.status).toBe(status)
    expect((await response.json()).error).toMatchObject({ code, param })
    expect(response.headers.get('x-request-id')).toBeTruthy()
  })

  it.each([
    ['x-request-timeout', '0'],
    ['x-request-timeout', '-1'],
    ['x-request-timeout', 'soon'],
    ['x-auricle-tenant', 'a b'],
    ['x-auricle-tenant', ''],
  ])('the header %s: %s', async (name, value) => {
    const headers = { 'content-type': 'application/json', [name]: value }
    const response = await ask(appWith(fakeChatModel('Hi')), hello, { headers })
    expect(response.status).toBe(400)
    expect((await response.json()).error).toMatchObject({ code: 'invalid_request', param: name })
  })

  it('a worker that is not ready says so and when to come back', async () => {
    const app = appWith(fakeChatModel('Hi'), 'draining')
    const response = await ask(app, hello)
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect((await app.request('/readyz')).status).toBe(503)
    expect((await app.request('/healthz')).status).toBe(200)
  })
})
