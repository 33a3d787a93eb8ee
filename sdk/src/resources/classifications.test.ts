import { expect, test } from 'vitest'
import { scriptedClient } from '../scripted-server.ts'

const file = new File([Uint8Array.of(1, 2, 3)], 'yard.wav')
const answer = { label: 'dog', labels: ['dog'], none_of_these: 0.1, results: [] }

test('a recording is sent as a form with its labels', async () => {
  const { client, requests } = scriptedClient([Response.json(answer)])
  const labels = ['dog', 'cat'] as const
  const { label } = await client.audio.classifications.create({ model: 'm', file, labels, multi_label: true })
  expect(label).toBe('dog')
  expect(requests[0]!.url).toBe('http://server.test/v1/audio/classifications')
  const form = await requests[0]!.formData()
  expect([...form].filter(([name]) => name !== 'file')).toEqual([
    ['model', 'm'],
    ['labels[]', 'dog'],
    ['labels[]', 'cat'],
    ['multi_label', 'true'],
  ])
  expect((form.get('file') as File).name).toBe('yard.wav')
})

test('what the server knows is named in JSON', async () => {
  const { client, requests } = scriptedClient([Response.json(answer)])
  const params = {
    model: 'm',
    audio: { type: 'audio_url' as const, audio_url: { url: 'audio:0' } },
    taxonomy: 'digits' as const,
  }
  await client.audio.classifications.create(params)
  expect(requests[0]!.headers.get('content-type')).toBe('application/json')
  expect(await requests[0]!.json()).toEqual(params)
})
