import { expect, test } from 'vitest'
import { refusal, type Scripted, scriptedClient } from '../scripted-server.ts'

const part = (id: string) => Response.json({ id, object: 'upload.part' })
const pending = () => Response.json({ id: 'upload_1', object: 'upload', file: null })
const completed = () => Response.json({ id: 'upload_1', object: 'upload', file: { id: 'file-1' } })
const tenBytes = new File(['0123456789'], 'call.wav', { type: 'audio/wav' })

test('a file is sent part by part, with progress; a part that fails is sent again alone', async () => {
  const { client, requests } = scriptedClient([
    pending(),
    part('a'),
    refusal(503),
    part('b'),
    part('c'),
    completed(),
  ])
  const progress: number[] = []
  const file = await client.uploads.send(tenBytes, {
    partBytes: 4,
    onProgress: ({ sentBytes, totalBytes }) => progress.push(sentBytes / totalBytes),
  })
  expect(file.id).toBe('file-1')
  expect(progress).toEqual([0.4, 0.8, 1])
  expect(await requests[0]!.json()).toEqual({ filename: 'call.wav', bytes: 10, mime_type: 'audio/wav' })
  const sent = await Promise.all(
    requests.slice(1, 5).map(async request => ((await request.formData()).get('data') as File).text()),
  )
  expect(sent).toEqual(['0123', '4567', '4567', '89'])
  expect(await requests[5]!.json()).toEqual({ part_ids: ['a', 'b', 'c'] })
})

test.each<[string, Scripted[]]>([
  ['fails', [refusal(400)]],
  ['is cancelled', [request => Promise.reject(request.signal.reason)]],
])('an upload that %s is given up', async (name, script) => {
  const cancelled = Response.json({ id: 'upload_1', status: 'cancelled' })
  const { client, requests } = scriptedClient([pending(), ...script, cancelled])
  const controller = new AbortController()
  const sending = client.uploads.send(tenBytes, {
    signal: controller.signal,
    onResponse: () => name === 'is cancelled' && controller.abort(),
  })
  await expect(sending).rejects.toThrow()
  expect(requests.at(-1)!.url).toMatch(/\/v1\/uploads\/upload_1\/cancel$/)
})
