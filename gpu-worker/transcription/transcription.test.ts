import { describe, expect, it } from 'vitest'
import { packModel } from '../../src/ngram/binary-write.ts'
import { Corpus } from '../../src/ngram/corpus.ts'
import { countNgrams } from '../../src/ngram/count.ts'
import { smooth } from '../../src/ngram/smoothing.ts'
import { ErrorBody } from '../../src/protocol/errors.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { NgramModelCard } from '../../src/protocol/ngram-models.ts'
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import {
  Transcription,
  TranscriptionVerbose,
  TranscriptStreamEvent,
} from '../../src/protocol/transcriptions.ts'
import { FileLibrary } from '../../src/storage/file-library.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import { NgramModels } from '../../src/storage/ngram-models.ts'
import { silentWav } from '../../test/support/wav.ts'
import { createAudioSources } from '../audio-sources.ts'
import { fakeChatModel } from '../fake-chat-model.ts'
import { type FakeSpeechModel, fakeSpeechModel } from '../fake-speech-model.ts'
import { createWorkerApp } from '../server.ts'

const wavOf = async (seconds: number) => new Uint8Array(Buffer.from(await silentWav(seconds), 'base64'))
const wav = await wavOf(2)
const longWav = await wavOf(3.1)

function setUp(speech: FakeSpeechModel = fakeSpeechModel([' Hello there.', ' How are you?'])) {
  const chat = fakeChatModel(' Hello.')
  const limits = {
    ...defaultLimits,
    maxAudioBytes: 100_000,
    maxTranscriptionSeconds: 3,
    maxAudioSeconds: 2.5,
  }
  const files = new FileLibrary(new MemoryStore(), Date.now)
  const ngramModels = new NgramModels(new MemoryStore(), { maxModelBytes: 1_000_000 })
  const app = createWorkerApp(
    { status: 'ready', models: new Map([['fake', chat]]), speechModels: new Map([['hears', speech]]) },
    limits,
    { ngramModels, audioSources: createAudioSources(files, null, 0) },
  )
  const post = (
    fields: Record<string, string | string[]>,
    file: Uint8Array | null = wav,
    path = 'transcriptions',
  ) => {
    const form = new FormData()
    if (file) form.append('file', new Blob([file as Uint8Array<ArrayBuffer>]), 'a.wav')
    for (const [name, values] of Object.entries({ model: 'hears', ...fields }))
      for (const value of [values].flat()) form.append(name, value)
    return app.request(`/v1/audio/${path}`, { method: 'POST', body: form })
  }
  const upload = async (bytes: Uint8Array<ArrayBuffer>, tenant = 'default') => {
    const { id } = await files.add(tenant, {
      filename: 'a.wav',
      purpose: 'user_data',
      contentType: 'audio/wav',
      expiresAt: Math.floor(Date.now() / 1000) + 60,
      maxBytes: 1_000_000,
      open: async () => new Blob([bytes]).stream(),
    })
    return id
  }
  return { app, post, upload, speech, chat, ngramModels }
}

async function eventsOf(response: Response): Promise<TranscriptStreamEvent[]> {
  const data = new ServerSentEventParser()
    .push(new Uint8Array(await response.arrayBuffer()))
    .map(event => event.data)
  expect(data.pop()).toBe(doneData)
  return data.map(text => TranscriptStreamEvent.parse(JSON.parse(text)))
}

const errorOf = async (response: Response) => {
  const { code, param, message } = ErrorBody.parse(await response.json()).error
  return { status: response.status, code, param, message }
}

describe('a transcription', () => {
  it('is json unless another format is asked for', async () => {
    const response = await setUp().post({})
    expect(response.headers.get('content-type')).toMatch(/^application\/json/)
    expect(Transcription.parse(await response.json())).toEqual({
      text: 'Hello there. How are you?',
      usage: { type: 'duration', seconds: 2 },
      no_speech: false,
    })
  })

  it.each([
    ['text', 'text/plain', 'Hello there. How are you?\n'],
    [
      'srt',
      'application/x-subrip',
      '1\n00:00:00,000 --> 00:00:01,000\nHello there.\n\n2\n00:00:01,000 --> 00:00:02,000\nHow are you?\n\n',
    ],
    [
      'vtt',
      'text/vtt',
      'WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nHello there.\n\n00:00:01.000 --> 00:00:02.000\nHow are you?\n\n',
    ],
  ])('is %s', async (format, type, text) => {
    const response = await setUp().post({ response_format: format })
    expect(response.headers.get('content-type')).toContain(type)
    expect(await response.text()).toBe(text)
  })

  it('is verbose_json, with segments, words or both', async () => {
    const { post, speech } = setUp()
    const ask = async (...granularities: string[]) =>
      TranscriptionVerbose.parse(
        await (
          await post({ response_format: 'verbose_json', 'timestamp_granularities[]': granularities })
        ).json(),
      )
    const both = await ask('segment', 'word')
    expect(both).toMatchObject({
      task: 'transcribe',
      language: 'english',
      duration: 2,
      timestamp_source: 'align',
      segments: [{ id: 0, start: 0, end: 1, text: ' Hello there.', tokens: [1, 2] }, { id: 1 }],
    })
    expect(both.words?.map(({ word }) => word)).toEqual(['Hello', 'there.', 'How', 'are', 'you?'])
    expect(await ask('word')).not.toHaveProperty('segments')
    expect(speech.options.at(-1)).toMatchObject({ wordTimestamps: true, segmentTimestamps: true })
    expect(await ask()).not.toHaveProperty('words')
  })

  it('gives n-best hypotheses whose parts make the score', async () => {
    const { post, speech } = setUp()
    const answer = await (await post({ response_format: 'verbose_json', n_best: '2' })).json()
    expect(speech.options[0]).toMatchObject({ nBest: 2, beamSize: 5 })
    const { hypotheses } = TranscriptionVerbose.parse(answer).segments![0]!
    expect(hypotheses).toHaveLength(2)
    for (const { score, parts } of hypotheses!)
      expect(parts.acoustic + parts.ngram + parts.length).toBeCloseTo(score, 9)
  })

  it('streams deltas, segments and the whole, which is what they make', async () => {
    const events = await eventsOf(await setUp().post({ stream: 'true' }))
    const deltas = events.filter(event => event.type === 'transcript.text.delta')
    expect(deltas.map(({ delta }) => delta)).toEqual(['Hello there.', ' How are you?'])
    expect(events.filter(event => event.type === 'transcript.text.segment')).toMatchObject([
      { id: '0', start: 0, end: 1, text: 'Hello there.' },
      { id: '1', start: 1, end: 2 },
    ])
    expect(events.at(-1)).toMatchObject({ type: 'transcript.text.done', text: 'Hello there. How are you?' })
  })

  it('has log-probabilities where they are asked for', async () => {
    const { post } = setUp()
    const answer = Transcription.parse(await (await post({ 'include[]': 'logprobs' })).json())
    expect(answer.logprobs).toHaveLength(5)
    const events = await eventsOf(await post({ include: 'logprobs', stream: 'true' }))
    expect(events[0]).toMatchObject({ logprobs: [{ token: ' Hello', logprob: -0.5 }, {}] })
    expect(events.at(-1)).toMatchObject({ logprobs: answer.logprobs })
  })

  it('says so where there is no speech', async () => {
    const { post } = setUp(fakeSpeechModel([]))
    expect(await (await post({})).json()).toMatchObject({ text: '', no_speech: true })
    expect(await (await post({ response_format: 'srt' })).text()).toBe('')
    expect((await eventsOf(await post({ stream: 'true' }))).at(-1)).toMatchObject({
      text: '',
      no_speech: true,
    })
  })

  it('asks the model for what the fields say', async () => {
    const { post, speech } = setUp()
    await post({
      language: 'en',
      prompt: 'Dr. Who',
      temperature: '0',
      keywords: 'a',
      hotwords: 'b',
      chunking_strategy: 'none',
    })
    expect(speech.options.at(-1)).toMatchObject({
      language: 'en',
      prompt: 'Dr. Who',
      temperature: null,
      beamSize: 5,
      hotwords: ['a', 'b'],
      vad: null,
      segmentTimestamps: false,
    })
    await post({ temperature: '0.4', chunking_strategy: '{"type":"server_vad","silence_duration_ms":200}' })
    expect(speech.options.at(-1)).toMatchObject({
      temperature: 0.4,
      beamSize: 1,
      vad: { threshold: 0.5, minSilenceMs: 200, speechPadMs: 300 },
    })
  })

  it('searches with the tenant’s n-gram model', async () => {
    const { post, speech, ngramModels } = setUp()
    const card: NgramModelCard = {
      id: 'ngm_00000001',
      object: 'ngram_model',
      created: 1,
      name: null,
      source: 'text',
      order: 2,
      ngrams: [5, 3],
      bytes: 1,
      smoothing: 'absolute',
      tokenization: 'segments',
      lowercase: true,
      locale: null,
      text: null,
      perplexity: null,
      models: null,
    }
    const table = smooth(countNgrams(new Corpus().append('hello there\n'), 2), {
      method: 'absolute',
      discount: 0.5,
    })
    await ngramModels.put('default', card, new Uint8Array(packModel(table)))
    const fields = {
      response_format: 'verbose_json',
      n_best: '2',
      ngram_model: card.id,
      ngram_weight: '0.7',
      word_bonus: '0.1',
    }
    const answer = TranscriptionVerbose.parse(await (await post(fields)).json())
    const { languageModel, beamSize } = speech.options[0]!
    expect(languageModel).toMatchObject({
      weight: 0.7,
      wordBonus: 0.1,
      tokenizer: { tokenization: 'segments', lowercase: true },
    })
    expect(languageModel!.model.score(languageModel!.model.start(), 'hello').isUnknown).toBe(false)
    expect(beamSize).toBe(5)
    for (const { score, parts } of answer.segments![0]!.hypotheses!)
      expect(parts.acoustic + parts.ngram + parts.length).toBeCloseTo(score, 9)
    expect(await errorOf(await post({ ngram_model: 'ngm_00000002' }))).toMatchObject({
      status: 404,
      code: 'ngram_model_not_found',
      param: 'ngram_model',
    })
  })

  it.each<[string, Record<string, string>, Uint8Array | null, number, string, string | null]>([
    ['no file', {}, null, 400, 'invalid_request', 'file'],
    ['an empty file', {}, new Uint8Array(0), 400, 'audio_empty', 'file'],
    [
      'a text file',
      {},
      new TextEncoder().encode('Hello, this is no audio at all.'),
      400,
      'audio_unreadable',
      'file',
    ],
    ['a file that is too large', {}, new Uint8Array(100_001), 413, 'payload_too_large', 'file'],
    ['a recording that is too long', {}, longWav, 400, 'audio_too_long', 'file'],
    ['an unknown model', { model: 'none' }, wav, 404, 'model_not_found', 'model'],
    ['a language that the model lacks', { language: 'de' }, wav, 400, 'invalid_request', 'language'],
  ])('refuses %s', async (_, fields, file, status, code, param) => {
    const error = await errorOf(await setUp().post(fields, file))
    expect(error).toMatchObject({ status, code, param })
  })

  it('is of a file that was uploaded, by a speech model and by a chat model', async () => {
    const { post, upload } = setUp()
    const file_id = await upload(wav)
    const spoken = Transcription.parse(await (await post({ file_id }, null)).json())
    expect(spoken).toMatchObject({ text: 'Hello there. How are you?', usage: { seconds: 2 } })
    const prompted = Transcription.parse(await (await post({ model: 'fake', file_id }, null)).json())
    expect(prompted.text).toBe('Hello.')
  })

  it.each(['hears', 'fake'])('of an uploaded file by %s says what is wrong with it', async model => {
    const { post, upload } = setUp()
    const refusal = async (file_id: string) => errorOf(await post({ model, file_id }, null))
    const about = { param: 'file_id' }
    expect(await refusal(await upload(longWav))).toMatchObject({ code: 'audio_too_long', ...about })
    expect(await refusal(await upload(new Uint8Array(100_001)))).toMatchObject({
      status: 413,
      code: 'payload_too_large',
      ...about,
    })
    expect(await refusal(await upload(wav, 'other'))).toMatchObject({ code: 'file_not_found', ...about })
  })

  it('is stopped by a client that leaves', async () => {
    const { post, speech } = setUp(fakeSpeechModel([' One.'], { endless: true }))
    const response = await post({ stream: 'true' })
    const reader = response.body!.getReader()
    await reader.read()
    await reader.cancel()
    await expect.poll(() => speech.endings).toEqual(['aborted'])
  })
})

describe('a chat model', () => {
  it('transcribes by a prompt', async () => {
    const { post, chat } = setUp()
    const answer = Transcription.parse(await (await post({ model: 'fake:sft' })).json())
    expect(answer).toMatchObject({ text: 'Hello.', usage: { type: 'tokens', output_tokens: 8 } })
    expect(chat.requests[0]!.prompt.ids).toHaveLength('Transcribe the audio.'.length + 1)
    const events = await eventsOf(await post({ model: 'fake', stream: 'true' }))
    expect(events.filter(({ type }) => type === 'transcript.text.delta').length).toBeGreaterThan(1)
    expect(events.at(-1)).toMatchObject({ type: 'transcript.text.done', text: 'Hello.' })
  })

  it.each([
    [{ response_format: 'srt' }, 'response_format'],
    [{ prompt: 'x' }, 'prompt'],
    [{ hotwords: 'x' }, 'hotwords'],
    [{ beam_size: '5' }, 'beam_size'],
    [{ chunking_strategy: 'none' }, 'chunking_strategy'],
  ])('refuses what it cannot follow: %j', async (fields, param) => {
    const error = await errorOf(await setUp().post({ model: 'fake', ...fields }))
    expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param })
  })

  it('names the file, not the conversation that was made of it', async () => {
    const error = await errorOf(await setUp().post({ model: 'fake' }, new TextEncoder().encode('no audio')))
    expect(error).toMatchObject({ code: 'audio_unreadable', param: 'file' })
    expect(error.message).not.toContain('messages')
  })
})

describe('a translation', () => {
  it('is refused by models that cannot', async () => {
    for (const model of ['hears', 'fake']) {
      const error = await errorOf(await setUp().post({ model }, wav, 'translations'))
      expect(error).toMatchObject({ status: 400, code: 'unsupported_parameter', param: 'model' })
    }
  })

  it('is made by a chat model that has a prompt for it', async () => {
    const { post, chat } = setUp()
    Object.assign(chat, { translationPrompt: 'Translate.' })
    expect(await (await post({ model: 'fake' }, wav, 'translations')).json()).toMatchObject({
      text: 'Hello.',
    })
    expect(chat.requests[0]!.prompt.ids).toHaveLength('Translate.'.length + 1)
  })
})

it('models say what they can be asked for', async () => {
  const { app } = setUp()
  const { data } = await (await app.request('/v1/models')).json()
  expect(data.map(({ id, tasks }: { id: string; tasks: string[] }) => [id, tasks])).toEqual([
    ['fake', ['chat', 'transcription', 'classification']],
    ['hears', ['transcription']],
  ])
  expect((await (await app.request('/readyz')).json()).models).toContain('hears')
})
