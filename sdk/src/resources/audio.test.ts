import { describe, expect, test } from 'vitest'
import { eventStream, scriptedClient } from '../scripted-server.ts'

const file = new File([Uint8Array.of(1, 2, 3)], 'call.mp3')
const usage = { type: 'duration', seconds: 1 }

describe('transcriptions', () => {
  test('are asked for with a form, as the official client writes it', async () => {
    const { client, requests } = scriptedClient([Response.json({ text: 'Hi.', usage, no_speech: false })])
    const { text } = await client.audio.transcriptions.create({
      file,
      model: 'whisper-tiny.en',
      include: ['logprobs'],
      temperature: 0,
      hotwords: ['Auricle', 'Ada'],
      chunking_strategy: { type: 'server_vad', threshold: 0.4 },
      ngram_model: [{ id: 'ngm_00000000', weight: 1 }],
      language: undefined,
    })
    expect(text).toBe('Hi.')
    expect(requests[0]!.url).toBe('http://server.test/v1/audio/transcriptions')
    const form = await requests[0]!.formData()
    const fields = [...form].filter(([name]) => name !== 'file')
    expect(fields).toEqual([
      ['model', 'whisper-tiny.en'],
      ['include[]', 'logprobs'],
      ['temperature', '0'],
      ['hotwords[]', 'Auricle'],
      ['hotwords[]', 'Ada'],
      ['chunking_strategy', '{"type":"server_vad","threshold":0.4}'],
      ['ngram_model', '[{"id":"ngm_00000000","weight":1}]'],
    ])
    const sent = form.get('file') as File
    expect([sent.name, new Uint8Array(await sent.arrayBuffer())]).toEqual([
      'call.mp3',
      Uint8Array.of(1, 2, 3),
    ])
  })

  test('are made of a file that was uploaded', async () => {
    const { client, requests } = scriptedClient([Response.json({ text: 'Hi.', usage, no_speech: false })])
    await client.audio.transcriptions.create({ file_id: 'file-1', model: 'm' })
    expect([...(await requests[0]!.formData())]).toEqual([
      ['file_id', 'file-1'],
      ['model', 'm'],
    ])
  })

  test('come as text where the format is text', async () => {
    const { client } = scriptedClient([new Response('1\n00:00:00,000 --> 00:00:01,000\nHi.\n')])
    const subtitles = await client.audio.transcriptions.create({ file, model: 'm', response_format: 'srt' })
    expect(subtitles).toMatch(/^1\n/)
  })

  test('stream', async () => {
    const { client, requests } = scriptedClient([
      eventStream(
        { type: 'transcript.text.delta', delta: 'Hi' },
        { type: 'transcript.text.delta', delta: '.' },
        { type: 'transcript.text.done', text: 'Hi.', usage, no_speech: false },
        '[DONE]',
      ),
    ])
    const stream = client.audio.transcriptions.stream({ file, model: 'm' })
    let text = ''
    for await (const event of stream) if (event.type === 'transcript.text.delta') text += event.delta
    expect(text).toBe('Hi.')
    expect((await stream.final()).text).toBe('Hi.')
    expect((await requests[0]!.formData()).get('stream')).toBe('true')
  })
})

test('translations are asked for at their own path', async () => {
  const { client, requests } = scriptedClient([Response.json({ text: 'Hi.', usage, no_speech: false })])
  await client.audio.translations.create({ file, model: 'm' })
  expect(requests[0]!.url).toBe('http://server.test/v1/audio/translations')
})

test('rescoring sends what it is given', async () => {
  const { client, requests } = scriptedClient([Response.json({ object: 'rescore', hypotheses: [] })])
  const params = { hypotheses: [{ text: 'Hi.', acoustic_logprob: -1 }], hotwords: ['Hi'] }
  await client.audio.rescore(params)
  expect(requests[0]!.url).toBe('http://server.test/v1/audio/rescore')
  expect(await requests[0]!.json()).toEqual(params)
})
