/** The same requests through the worker, over HTTP, and through transformers: the same text. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { ChatCompletion } from '../../src/protocol/chat-completions.ts'
import { type RunningProcess, startWorker } from '../support/start-process.ts'
import {
  ADAPTED_MODEL,
  isTied,
  MODEL,
  MODELS_FOLDER,
  type ReferenceMessage,
  readArray,
  readReferences,
} from './references.ts'

const AT_ONCE = 8

const references = readReferences()
const { requests, audios } = references
/** base64 of WAV files that lose nothing, by name. */
const files = new Map(audios.map(({ name, samples }) => [name, floatWav(readArray(samples))]))
let folder: string
let worker: RunningProcess

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'auricle-models-'))
  await symlink(join(MODELS_FOLDER, MODEL), join(folder, MODEL))
  for (const name of ['pocket', 'whisper-tiny.en']) await symlink(resolve('models', name), join(folder, name))
  worker = await startWorker({ AURICLE_MODELS: folder, AURICLE_SLOTS: String(AT_ONCE) })
})
afterAll(async () => {
  await worker?.stop()
  await rm(folder, { recursive: true })
})

it(`${requests.length} requests have the text that transformers gives, ${AT_ONCE} at once`, async () => {
  const waiting = [...requests.entries()]
  const different: object[] = []
  let ties = 0
  async function client(): Promise<void> {
    for (let next = waiting.shift(); next; next = waiting.shift()) {
      const [index, { messages, max_tokens, repetition_penalty, answer, text, gaps }] = next
      const asked = { model: MODEL, temperature: 0, max_tokens, repetition_penalty }
      const { choices, usage } = await ask({ ...asked, messages: messages.map(toMessage) })
      if (isTied({ gaps }, references)) ties++
      else if (choices[0]!.message.content !== text || usage.completion_tokens !== answer.length) {
        different.push({ index, ours: choices[0]!.message.content, theirs: text })
      }
    }
  }
  // Another model answers in the same process meanwhile.
  const question = { role: 'user', content: 'What is the capital of France?' }
  const other = ask({ model: 'pocket', messages: [question], max_tokens: 20 })
  await Promise.all(Array.from({ length: AT_ONCE }, client))
  expect(different).toEqual([])
  expect(ties).toBeLessThan(requests.length / 20)
  expect((await other).choices[0]!.message.content).toContain('Paris')
})

it('an adapter that PEFT saved answers as transformers with PEFT', async () => {
  for (const { case: name, answer, text, gaps } of references.adapted) {
    const { messages, text: unadapted } = references.cases.find(known => known.name === name)!
    const asked = { model: ADAPTED_MODEL, temperature: 0, repetition_penalty: 1, max_tokens: answer.length }
    const { choices } = await ask({ ...asked, messages: messages.map(toMessage) })
    expect(text).not.toBe(unadapted)
    if (!isTied({ gaps }, references)) expect(choices[0]!.message.content, name).toBe(text)
  }
})

it('transcribes and classifies as other models that chat, and refuses what it has no recognizer for', async () => {
  const file = new Blob([Buffer.from(files.get('3 seconds')!, 'base64')], { type: 'audio/wav' })
  const form = (fields: Record<string, string>) => {
    const data = new FormData()
    data.set('model', MODEL)
    for (const [name, value] of Object.entries(fields)) data.append(name, value)
    data.set('file', file, 'a.wav')
    return data
  }
  const post = (path: string, body: FormData) => fetch(`${worker.baseUrl}${path}`, { method: 'POST', body })
  const transcribed = await post('/v1/audio/transcriptions', form({}))
  expect(await transcribed.json()).toMatchObject({ usage: { type: 'tokens' }, text: expect.any(String) })
  const labels = form({ 'labels[]': 'speech' })
  labels.append('labels[]', 'music')
  const classified = await post('/v1/audio/classifications', labels)
  expect(await classified.json()).toMatchObject({ results: [{ score: expect.any(Number) }, {}] })
  const refused = await post('/v1/audio/transcriptions', form({ hotwords: 'Xarelto' }))
  expect(await refused.json()).toMatchObject({ error: { code: 'unsupported_parameter', param: 'hotwords' } })
})

async function ask(body: object) {
  const response = await fetch(`${worker.baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return ChatCompletion.parse(await response.json())
}

function toMessage({ role, content }: ReferenceMessage) {
  return {
    role,
    content: content.map(part =>
      part.type === 'text' ? part : { type: 'input_audio', input_audio: { data: files.get(part.audio)! } },
    ),
  }
}

/** A WAV file of 32-bit floats: RIFF, `fmt ` with format 3, `data`. */
function floatWav(samples: Float32Array): string {
  const header = Buffer.alloc(44)
  header.write('RIFF', 0)
  header.writeUInt32LE(36 + samples.byteLength, 4)
  header.write('WAVEfmt ', 8)
  header.writeUInt32LE(16, 16)
  header.writeUInt16LE(3, 20)
  header.writeUInt16LE(1, 22)
  header.writeUInt32LE(16_000, 24)
  header.writeUInt32LE(16_000 * 4, 28)
  header.writeUInt16LE(4, 32)
  header.writeUInt16LE(32, 34)
  header.write('data', 36)
  header.writeUInt32LE(samples.byteLength, 40)
  const data = new Uint8Array(samples.buffer, samples.byteOffset, samples.byteLength)
  return Buffer.concat([header, data]).toString('base64')
}
