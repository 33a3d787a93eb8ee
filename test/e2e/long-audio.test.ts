/** Audio longer than a window, and longer than the context: encoded whole, refused, or answered part by part. */
import { readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDecoder, decodeAudio } from '../../gpu-worker/audio/decode.ts'
import type { Usage } from '../../src/protocol/chat-completions.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { type RunningProcess, startWorker } from '../support/start-process.ts'
import { wavBase64 } from '../support/wav.ts'
import { wordErrors } from '../support/word-error-rate.ts'

const folder = new URL('../fixtures/spoken-sentences/', import.meta.url)

/** Sentences one after another, a pause between, until there are so many seconds. */
async function joined(seconds: number) {
  const fixtures = JSON.parse(readFileSync(new URL('manifest.json', folder), 'utf8')) as {
    file: string
    text: string
  }[]
  const limits = { maxSeconds: defaultLimits.maxAudioSeconds, maxBytes: defaultLimits.maxAudioBytes }
  const parts: number[] = []
  const texts: string[] = []
  for (const { file, text } of fixtures) {
    if (parts.length > seconds * 16_000) break
    const { samples } = await decodeAudio(await readFile(new URL(file, folder)), limits)
    for (const sample of samples) parts.push(sample)
    for (let k = 0; k < 8000; k++) parts.push(0)
    texts.push(text)
  }
  const audio = Float32Array.from(parts)
  return { base64: await wavBase64(audio), seconds: audio.length / 16_000, text: texts.join(' ') }
}

const CONTEXT_LENGTH = 330
let whole: RunningProcess
let narrow: RunningProcess
let recording: Awaited<ReturnType<typeof joined>>
beforeAll(async () => {
  recording = await joined(60)
  whole = await startWorker()
  narrow = await startWorker({ AURICLE_CONTEXT_LENGTH: String(CONTEXT_LENGTH) })
})
afterAll(() => Promise.all([whole.stop(), narrow.stop(), closeDecoder()]))

async function transcribe(server: RunningProcess, more: object = {}) {
  const client = new OpenAI({ baseURL: `${server.baseUrl}/v1`, apiKey: 'none', maxRetries: 0 })
  const content: OpenAI.ChatCompletionContentPart[] = [
    { type: 'input_audio', input_audio: { data: recording.base64, format: 'wav' } },
    { type: 'text', text: 'Transcribe the audio.' },
  ]
  return client.chat.completions.create({ model: 'pocket', messages: [{ role: 'user', content }], ...more })
}

const coverage = (completion: OpenAI.ChatCompletion) => (completion.usage as unknown as Usage).audio[0]!

describe('a recording of more than a minute', () => {
  it('is encoded window by window and answered whole', async () => {
    const completion = await transcribe(whole, { max_tokens: 400 })
    expect(coverage(completion).seconds_received).toBeCloseTo(recording.seconds, 2)
    expect(coverage(completion).seconds_encoded).toBeCloseTo(recording.seconds, 2)
    expect(coverage(completion).ranges).toHaveLength(1)
    expect(coverage(completion).ranges[0]?.start).toBe(0)
    const { errors, words } = wordErrors(recording.text, completion.choices[0]!.message.content ?? '')
    console.log(`${recording.seconds.toFixed(0)} s in one prompt: ${errors} wrong of ${words} words`)
    expect(completion.usage!.prompt_tokens).toBeGreaterThan(CONTEXT_LENGTH)
  })

  it('is refused with the numbers where the context is too small', async () => {
    await expect(transcribe(narrow)).rejects.toMatchObject({
      status: 400,
      code: 'context_length_exceeded',
      message: expect.stringContaining('"long_audio": "chunk"'),
    })
  })

  it('is answered part by part where that was asked for, nothing left out', async () => {
    const completion = await transcribe(narrow, { long_audio: 'chunk', max_tokens: 120 })
    const { errors, words } = wordErrors(recording.text, completion.choices[0]!.message.content ?? '')
    console.log(`in parts: ${errors} wrong of ${words} words`)
    expect(coverage(completion).seconds_encoded).toBeCloseTo(recording.seconds, 2)
    expect(errors / words).toBeLessThan(0.2)
  })
})
