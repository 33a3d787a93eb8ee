import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest'
import { serializeEvent } from '../../src/protocol/sse.ts'
import { transcribe } from './transcribe.ts'
import { UsageError } from './usage-error.ts'

let folder: string
let path: string
let written = ''
let answer: () => Response
const sent: FormData[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-transcribe-'))
  path = join(folder, 'a.wav')
  await writeFile(path, 'RIFF')
})
afterAll(() => rm(folder, { recursive: true }))
beforeEach(() => {
  written = ''
  sent.length = 0
  vi.spyOn(process.stdout, 'write').mockImplementation(text => {
    written += text
    return true
  })
  vi.stubGlobal('fetch', async (_url: URL, init: { body: FormData }) => {
    sent.push(init.body)
    return answer()
  })
})
afterEach(() => {
  vi.restoreAllMocks()
  vi.unstubAllGlobals()
})

const event = (data: object) => serializeEvent({ data: JSON.stringify(data) })
const delta = (text: string) => event({ type: 'transcript.text.delta', delta: text })

test('prints text as it comes', async () => {
  answer = () => new Response(`${delta('Hello')}${delta(' there.')}data: [DONE]\n\n`)
  await transcribe([path, '--hotword', 'a', '--hotword', 'b', '--beam-size', '5'])
  expect(written).toBe('Hello there.\n')
  const [form] = sent
  expect((form!.get('file') as File).name).toBe('a.wav')
  expect(form!.getAll('hotwords[]')).toEqual(['a', 'b'])
  expect([form!.get('beam_size'), form!.get('stream'), form!.get('model')]).toEqual([
    '5',
    'true',
    'whisper-tiny.en',
  ])
})

test('prints other formats as they are', async () => {
  answer = () => new Response('1\n00:00:00,000 --> 00:00:01,000\nHi.\n\n')
  await transcribe([path, '--format', 'srt'])
  expect(written).toBe('1\n00:00:00,000 --> 00:00:01,000\nHi.\n\n')
  expect(sent[0]!.has('stream')).toBe(false)
})

test('says what the server says, before and within a stream, and what is wrong with the command', async () => {
  const error = { error: { message: 'The audio is empty.', type: 'x', param: 'file', code: 'audio_empty' } }
  answer = () => Response.json(error, { status: 400 })
  await expect(transcribe([path])).rejects.toThrow('The audio is empty.')
  answer = () => new Response(delta('Hel') + event(error))
  await expect(transcribe([path])).rejects.toThrow('The audio is empty.')
  await expect(transcribe([])).rejects.toThrow(UsageError)
  await expect(transcribe([path, '--format', 'docx'])).rejects.toThrow(UsageError)
})
