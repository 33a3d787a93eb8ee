import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { RecordedVllm, vllmKey, vllmModel } from '../../../test/support/recorded-vllm.ts'
import { silentWav } from '../../../test/support/wav.ts'
import { createApp } from '../../app.ts'
import { ChatCompletion, ChatCompletionChunk } from '../../protocol/chat-completions.ts'
import { ErrorBody } from '../../protocol/errors.ts'
import { Transcription, TranscriptStreamEvent } from '../../protocol/transcriptions.ts'
import { FileLibrary } from '../../storage/file-library.ts'
import { MemoryStore } from '../../storage/memory-store.ts'
import type { OpenAiUpstream } from '../choose.ts'
import { Fleet } from '../fleet.ts'
import { VirtualClock } from '../virtual-fleet.ts'
import type { WorkerFetch } from '../worker-fetch.ts'
import { loadOf } from './probe.ts'

const [twoSeconds, noSamples, tooLong] = (await Promise.all([2, 0, 31].map(silentWav))) as [
  string,
  string,
  string,
]

function setUp(changes: Partial<OpenAiUpstream> = {}, servers = 1) {
  const vllms = Array.from({ length: servers }, () => new RecordedVllm())
  const openai: OpenAiUpstream = {
    models: { 'qwen2-audio': vllmModel },
    apiKey: vllmKey,
    slots: 64,
    maxAudioSeconds: 30,
    transcription: 'chat',
    priorities: false,
    ...changes,
  }
  const addresses = vllms.map((_, index) => ({
    id: `vllm-${index}`,
    url: `http://vllm-${index}:8000`,
    openai,
  }))
  const fetch: WorkerFetch = async (url, init) => {
    const request = new Request(url, init as RequestInit)
    return vllms[Number(/vllm-(\d)/.exec(url)![1])]!.fetch(request)
  }
  const store = new MemoryStore()
  const files = new FileLibrary(store, Date.now)
  const fleet = new Fleet({ addresses: () => addresses, fetch, clock: new VirtualClock(), files })
  const app = createApp({ fleet, store })
  const post = (path: string, body: object | FormData) =>
    app.request(path, {
      method: 'POST',
      ...(body instanceof FormData
        ? { body }
        : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } }),
    })
  const chat = (body: object) => post('/v1/chat/completions', { model: 'qwen2-audio', ...body })
  const seen = () => vllms.flatMap(vllm => vllm.seen)
  return { vllm: vllms[0]!, vllms, fleet, app, post, chat, seen }
}

const ask = (...parts: object[]) => ({
  messages: [{ role: 'user', content: [...parts, { type: 'text', text: 'What is this?' }] }],
})
const recording = (data: string) => ({ type: 'input_audio', input_audio: { data, format: 'wav' } })

async function eventsOf(response: Response): Promise<string[]> {
  const text = await response.text()
  return text
    .split('\n\n')
    .flatMap(event => (event === '' ? [] : [event.replace(/^(event: \w+\n)?data: /, '')]))
}

async function errorOf(response: Response) {
  const { error } = ErrorBody.parse(await response.json())
  return { status: response.status, ...error }
}

describe('chat with vLLM behind the edge', () => {
  test('audio goes there with a name for its cache, and the answer is one of ours', async () => {
    const { chat, seen } = setUp()
    const response = await chat({ ...ask(recording(twoSeconds)), temperature: 0.5, user: 'me', seed: 7 })
    const answer = ChatCompletion.parse(await response.json())
    expect(Object.keys(answer).toSorted()).toEqual(
      ['choices', 'created', 'id', 'model', 'object', 'system_fingerprint', 'usage'].toSorted(),
    )
    expect(answer.model).toBe('qwen2-audio')
    expect(answer.choices[0]).toEqual({
      index: 0,
      message: { role: 'assistant', content: '.shareihan caps Astro', refusal: null },
      logprobs: null,
      finish_reason: 'length',
    })
    const { audio_id } = answer.usage.audio[0]!
    expect(answer.usage).toMatchObject({
      prompt_tokens: 81,
      prompt_tokens_details: { audio_tokens: 50, cached_tokens: 0 },
      audio: [{ index: 0, seconds_received: 2, seconds_encoded: 2, ranges: [{ start: 0, end: 2 }] }],
    })
    expect(response.headers.get('x-auricle-audio-seconds')).toBe('2.000')
    expect(seen()[0]!.body).toEqual({
      model: vllmModel,
      messages: [
        {
          role: 'user',
          content: [
            {
              type: 'audio_url',
              audio_url: { url: `data:audio/wav;base64,${twoSeconds}` },
              uuid: `default/${audio_id}`,
            },
            { type: 'text', text: 'What is this?' },
          ],
        },
      ],
      temperature: 0.5,
      seed: 7,
      cache_salt: 'default',
    })
  })

  test('an audio is asked about again by its id, until the server has forgotten it', async () => {
    const { chat, vllm, seen } = setUp()
    const first = ChatCompletion.parse(await (await chat(ask(recording(twoSeconds)))).json())
    const id = first.usage.audio[0]!.audio_id
    const again = { type: 'audio_url', audio_url: { url: `audio:${id}` } }
    const second = ChatCompletion.parse(await (await chat(ask(again))).json())
    expect(second.usage.audio).toEqual(first.usage.audio)
    expect(seen().at(-1)!.body.messages[0].content[0]).toEqual({
      type: 'audio_url',
      audio_url: null,
      uuid: `default/${id}`,
    })
    vllm.forget()
    expect(await errorOf(await chat(ask(again)))).toMatchObject({ status: 404, code: 'audio_not_cached' })
    const asked = seen().length
    expect(await errorOf(await chat(ask(again)))).toMatchObject({ status: 404, code: 'audio_not_cached' })
    // The edge has learned that it is gone.
    expect(seen()).toHaveLength(asked)
  })

  test('what one tenant has sent is not there for another', async () => {
    const { chat, fleet, seen } = setUp()
    const sent = await chat(ask(recording(twoSeconds)))
    const id = ChatCompletion.parse(await sent.json()).usage.audio[0]!.audio_id
    const body = { model: 'qwen2-audio', ...ask({ type: 'audio_url', audio_url: { url: `audio:${id}` } }) }
    const asked = fleet.forward({
      model: 'qwen2-audio',
      path: '/v1/chat/completions',
      requestId: 'req_1',
      tenant: 'another',
      body: new TextEncoder().encode(JSON.stringify(body)),
      signal: new AbortController().signal,
      background: () => {},
    })
    await expect(asked).rejects.toMatchObject({ code: 'audio_not_cached' })
    expect(seen()).toHaveLength(1)
  })

  test('of several servers, the one that has heard an audio is asked about it by its id', async () => {
    const { chat, vllms } = setUp({}, 4)
    for (let k = 0; k < 8; k++) {
      const sent = await chat(ask(recording(await silentWav(1 + k / 10))))
      const id = ChatCompletion.parse(await sent.json()).usage.audio[0]!.audio_id
      expect((await chat(ask({ type: 'audio_url', audio_url: { url: `audio:${id}` } }))).status).toBe(200)
    }
    expect(vllms.filter(({ seen }) => seen.length > 0).length).toBeGreaterThan(1)
  })

  test('an uploaded file is sent there', async () => {
    const { app, chat, seen } = setUp()
    const form = new FormData()
    form.set('purpose', 'user_data')
    form.set('file', new File([Buffer.from(twoSeconds, 'base64')], 'a.wav'))
    const { id } = await (await app.request('/v1/files', { method: 'POST', body: form })).json()
    expect((await chat(ask({ type: 'file', file: { file_id: id } }))).status).toBe(200)
    expect(seen()[0]!.body.messages[0].content[0].audio_url.url).toBe(`data:audio/wav;base64,${twoSeconds}`)
  })

  test('a stream is one of ours, usage and all', async () => {
    const { chat } = setUp()
    const stream = { stream: true, stream_options: { include_usage: true }, logprobs: true, top_logprobs: 1 }
    const events = await eventsOf(await chat({ ...ask(recording(twoSeconds)), ...stream }))
    expect(events.pop()).toBe('[DONE]')
    const chunks = events.map(event => ChatCompletionChunk.parse(JSON.parse(event)))
    expect(chunks.map(({ choices }) => choices[0]?.delta.content ?? '').join('')).toBe(
      '.shareihan caps Astro',
    )
    expect(chunks[0]!.choices[0]!.delta.role).toBe('assistant')
    expect(chunks.flatMap(({ choices }) => choices[0]?.logprobs?.content ?? [])).toHaveLength(4)
    expect(chunks.at(-2)!.choices[0]!.finish_reason).toBe('length')
    expect(chunks.at(-1)).toMatchObject({
      model: 'qwen2-audio',
      choices: [],
      usage: { completion_tokens: 4, audio: [{ seconds_received: 2 }] },
    })
    for (const event of events) expect(event).not.toMatch(/token_ids|prompt_text|stop_reason/)
  })

  test('an error within a stream ends it as one of ours', async () => {
    const { chat, vllm } = setUp()
    vllm.fetch = async request =>
      new URL(request.url).pathname === '/v1/chat/completions'
        ? new Response('data: {"error":{"message":"secret","type":"x","code":500}}\n\ndata: [DONE]\n\n', {
            headers: { 'content-type': 'text/event-stream' },
          })
        : new RecordedVllm().fetch(request)
    const response = await chat({ ...ask(), stream: true })
    const text = await response.text()
    expect(text).toContain('event: error\ndata: {"error":')
    expect(text).toContain('"code":"worker_failed"')
    expect(text).not.toMatch(/secret|DONE/)
  })

  test.each<[string, [number, string, string | null]]>([
    ['too-long', [400, 'context_length_exceeded', 'messages']],
    ['too-long-max', [400, 'context_length_exceeded', 'max_tokens']],
    ['audio-too-long-context', [400, 'context_length_exceeded', 'messages']],
    ['bad-audio', [400, 'audio_unreadable', 'messages']],
    ['tiny-audio', [400, 'audio_empty', 'messages']],
    ['too-many', [400, 'too_many_audio_parts', 'messages']],
    ['bad-temperature', [400, 'invalid_request', 'temperature']],
    ['bad-schema', [400, 'invalid_request', null]],
    ['no-model', [502, 'worker_failed', null]],
    ['wrong-key', [502, 'worker_failed', null]],
    ['not-found', [502, 'worker_failed', null]],
  ])('its answer to %s is a row of the catalogue', async (name, [status, code, param]) => {
    const { chat, vllm } = setUp()
    vllm.next = name
    expect(await errorOf(await chat(ask()))).toMatchObject({ status, code, param })
  })

  test.each<[string, object, string, string]>([
    ['hotwords', { hotwords: ['Auricle'] }, 'unsupported_parameter', 'hotwords'],
    ['an n-gram model', { ngram_model: 'ngm_00000000' }, 'unsupported_parameter', 'ngram_model'],
    ['long audio in parts', { long_audio: 'chunk' }, 'unsupported_parameter', 'long_audio'],
    ['grounding', { ...ask(recording(noSamples)), grounding: true }, 'unsupported_parameter', 'grounding'],
    ['another turn', { service_tier: 'priority' }, 'unsupported_parameter', 'service_tier'],
    [
      'a URL',
      ask({ type: 'audio_url', audio_url: { url: 'https://example.com/a.wav' } }),
      'audio_url_unsupported',
      'messages[0].content[0].audio_url.url',
    ],
    ['text as audio', ask(recording(btoa('no audio'))), 'audio_unreadable', 'messages[0].content[0]'],
    ['no samples', ask(recording(noSamples)), 'audio_empty', 'messages[0].content[0]'],
    ['more than it hears', ask(recording(tooLong)), 'audio_too_long', 'messages[0].content[0]'],
  ])('%s is refused by name, and nothing is sent', async (_, body, code, param) => {
    const { chat, seen, fleet } = setUp()
    expect(await errorOf(await chat({ ...ask(), ...body }))).toMatchObject({ code, param })
    expect(seen()).toHaveLength(0)
    expect(fleet.workers()[0]!.inFlight).toBe(0)
  })

  test('a turn is told to one that schedules by priority', async () => {
    const { chat, seen } = setUp({ priorities: true })
    const answers: unknown[] = []
    for (const service_tier of ['priority', 'flex', 'auto']) {
      answers.push((await (await chat({ ...ask(), service_tier })).json()).service_tier)
    }
    expect(answers).toEqual(['priority', 'flex', 'default'])
    expect(seen().map(({ body }) => body.priority)).toEqual([-1, 1, undefined])
  })
})

test.each([
  ['wav-s24.wav', 1],
  ['mp3.mp3', 1.045],
  ['flac.flac', 1],
  ['vorbis.ogg', 1],
  ['opus.opus', 1],
  ['aac.m4a', 1.023],
  ['opus.webm', 1.008],
  ['piped.wav', 1],
  ['opus-live.webm', null],
])('how long %s is', async (name, seconds) => {
  const { chat } = setUp()
  const file = name === 'piped.wav' ? 'wav-s16.wav' : name
  const bytes = await readFile(new URL(`../../../test/fixtures/formats/${file}`, import.meta.url))
  if (name === 'piped.wav') bytes.writeUInt32LE(0xffff_ffff, bytes.indexOf('data') + 4)
  const response = await chat(ask(recording(bytes.toString('base64'))))
  if (seconds === null) expect(await errorOf(response)).toMatchObject({ code: 'audio_unreadable' })
  else {
    const { usage } = ChatCompletion.parse(await response.json())
    expect(usage.audio[0]!.seconds_received).toBeCloseTo(seconds, 2)
  }
})

describe('transcription with vLLM behind the edge', () => {
  const form = (fields: Record<string, string> = {}, wav = twoSeconds) => {
    const form = new FormData()
    for (const [name, value] of Object.entries({ model: 'qwen2-audio', ...fields })) form.set(name, value)
    form.set('file', new File([Buffer.from(wav, 'base64')], 'a.wav'))
    return form
  }

  test('goes through chat, where it has no endpoint for the model', async () => {
    const { post, seen } = setUp()
    const response = await post('/v1/audio/transcriptions', form())
    expect(Transcription.parse(await response.json())).toEqual({
      text: '.shareihan caps Astro',
      usage: {
        type: 'tokens',
        input_tokens: 81,
        output_tokens: 4,
        total_tokens: 85,
        input_token_details: { audio_tokens: 50, text_tokens: 31 },
      },
      no_speech: false,
    })
    expect(seen()[0]!.path).toBe('/v1/chat/completions')
    expect(seen()[0]!.body).toMatchObject({ temperature: 0, messages: [{ role: 'user' }] })
    expect(response.headers.get('x-auricle-audio-seconds')).toBe('2.000')
    const text = await post('/v1/audio/transcriptions', form({ response_format: 'text' }))
    expect(await text.text()).toBe('.shareihan caps Astro\n')
  })

  test('its stream is one of a transcription', async () => {
    const { post } = setUp()
    const events = await eventsOf(await post('/v1/audio/transcriptions', form({ stream: 'true' })))
    expect(events.pop()).toBe('[DONE]')
    const parsed = events.map(event => TranscriptStreamEvent.parse(JSON.parse(event)))
    const done = parsed.pop()!
    expect(done).toMatchObject({
      type: 'transcript.text.done',
      text: '.shareihan caps Astro',
      no_speech: false,
    })
    expect(parsed.map(event => (event.type === 'transcript.text.delta' ? event.delta : '')).join('')).toBe(
      '.shareihan caps Astro',
    )
  })

  test.each<[string, Record<string, string>, string, string]>([
    ['times', { response_format: 'srt' }, 'unsupported_parameter', 'response_format'],
    ['a language', { language: 'en' }, 'unsupported_parameter', 'language'],
  ])('%s are refused by name', async (_, fields, code, param) => {
    const { post, seen } = setUp()
    expect(await errorOf(await post('/v1/audio/transcriptions', form(fields)))).toMatchObject({ code, param })
    expect(seen()).toHaveLength(0)
  })

  test('what is wrong with the recording is said of the field that carries it', async () => {
    const { post, vllm } = setUp()
    const long = await post('/v1/audio/transcriptions', form({}, tooLong))
    expect(await errorOf(long)).toMatchObject({ code: 'audio_too_long', param: 'file' })
    vllm.next = 'bad-audio'
    const bad = await post('/v1/audio/transcriptions', form())
    expect(await errorOf(bad)).toMatchObject({ code: 'audio_unreadable', param: 'file' })
    const translated = await post('/v1/audio/translations', form())
    expect(await errorOf(translated)).toMatchObject({ code: 'unsupported_parameter', param: 'model' })
  })

  test('goes to the endpoint of a server that has one', async () => {
    const { post, vllm, seen } = setUp({ transcription: 'endpoint' })
    const { fetch } = vllm
    // As its source has it: none of its models that transcribe fits here.
    vllm.fetch = async request => {
      if (!request.url.endsWith('/transcriptions')) return fetch(request)
      const { stream } = Object.fromEntries((await request.clone().formData()).entries())
      await fetch(request)
      if (!stream) return Response.json({ text: ' Hello.', usage: { type: 'duration', seconds: 2 } })
      const chunk = (content: string) =>
        `data: {"id":"trsc-1","object":"transcription.chunk","created":1,"model":"x","choices":[{"delta":{"content":"${content}"}}]}\n\n`
      return new Response(`${chunk(' Hel')}${chunk('lo.')}data: [DONE]\n\n`, {
        headers: { 'content-type': 'text/event-stream' },
      })
    }
    const whole = await post('/v1/audio/transcriptions', form({ language: 'en', prompt: 'Names' }))
    expect(await whole.json()).toEqual({
      text: 'Hello.',
      usage: { type: 'duration', seconds: 2 },
      no_speech: false,
    })
    const { file, ...fields } = Object.fromEntries(seen()[0]!.body.entries())
    expect([fields, (file as File).size]).toEqual([
      { model: vllmModel, response_format: 'json', language: 'en', prompt: 'Names' },
      64_044,
    ])
    const events = await eventsOf(await post('/v1/audio/transcriptions', form({ stream: 'true' })))
    expect(JSON.parse(events.at(-2)!)).toMatchObject({ type: 'transcript.text.done', text: 'Hello.' })
  })
})

describe('what is known of vLLM', () => {
  test('its models, their context, and that it is ready', async () => {
    const { fleet, vllm } = setUp()
    expect(await fleet.models()).toEqual([
      {
        id: 'qwen2-audio',
        object: 'model',
        created: 1795276206,
        owned_by: 'vllm',
        tasks: ['chat', 'transcription'],
        context_length: 2048,
      },
    ])
    expect((await fleet.readiness()).status).toBe('ready')
    expect(vllm.seen).toHaveLength(0)
  })

  test('one whose engine died is not ready', async () => {
    const { fleet, vllm } = setUp()
    const { fetch } = vllm
    vllm.fetch = request =>
      request.url.endsWith('/health') ? Promise.resolve(new Response(null, { status: 503 })) : fetch(request)
    expect((await fleet.readiness()).status).toBe('unavailable')
  })

  test('its load: what runs and waits, and fewer slots while it takes no more', async () => {
    const { fleet, vllm } = setUp()
    vllm.running = 5
    await fleet.readiness()
    expect(fleet.workers()[0]).toMatchObject({ busy: 5, slots: 64 })
    const metrics = (running: number, waiting: number, cache: number) =>
      loadOf(
        `vllm:num_requests_running{engine="0"} ${running}.0\nvllm:num_requests_waiting{engine="0"} ${waiting}.0\nvllm:num_requests_waiting_by_reason{reason="capacity"} 9\nvllm:kv_cache_usage_perc{engine="0"} ${cache}\n`,
        64,
      )
    expect(metrics(20, 3, 0.5)).toEqual({ running: 20, waiting: 3, slots: 20 })
    expect(metrics(20, 0, 0.97)).toEqual({ running: 20, waiting: 0, slots: 20 })
    expect(metrics(20, 0, 0.9)).toEqual({ running: 20, waiting: 0, slots: 64 })
    expect(loadOf('', 64)).toEqual({ running: 0, waiting: 0, slots: 64 })
  })
})
