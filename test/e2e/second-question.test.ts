/** What is paid for the second question about an audio, by counting: nothing is heard again, little is computed. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { closeDecoder } from '../../gpu-worker/audio/decode.ts'
import { EncoderCache } from '../../gpu-worker/encode/encoder-cache.ts'
import type { ChatModel } from '../../gpu-worker/model/chat-model.ts'
import { loadPacks } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { createWorkerApp } from '../../gpu-worker/server.ts'
import { ChatCompletion, type ContentPart } from '../../src/protocol/chat-completions.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { closeServer, listen } from '../support/listen.ts'

const folder = new URL('../fixtures/spoken-messages/', import.meta.url)
/** Tokens of a short question with what the template puts around it. */
const QUESTION_TOKENS = 32

let model: ChatModel
let encoderCache: EncoderCache
let server: Awaited<ReturnType<typeof listen>>
let recordings: ContentPart[]

beforeAll(async () => {
  const [packs, runtime] = await Promise.all([loadPacks('models'), loadRuntime()])
  const models = await loadChatModels({
    packs,
    runtime,
    threads: 2,
    engine: { slots: 8, slotCapacity: 1024 },
  })
  model = models.get('pocket')!
  encoderCache = new EncoderCache()
  const state = { status: 'ready', models, speechModels: new Map() } as const
  server = await listen(createWorkerApp(state, defaultLimits, { encoderCache }))
  const manifest = JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')) as { file: string }[]
  recordings = await Promise.all(
    manifest.slice(0, 5).map(async ({ file }) => ({
      type: 'input_audio' as const,
      input_audio: { data: await readFile(new URL(file, folder), 'base64') },
    })),
  )
})
afterAll(async () => {
  await closeServer(server)
  await Promise.all([model.close(), closeDecoder()])
})

const user = (...content: ContentPart[]) => ({ role: 'user', content })
const text = (question: string): ContentPart => ({ type: 'text', text: question })
const byId = (id: string): ContentPart => ({ type: 'audio_url', audio_url: { url: `audio:${id}` } })

async function ask(messages: object[], more: object = {}) {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'pocket', messages, max_tokens: 8, ...more }),
  })
  expect(response.status).toBe(200)
  const { choices, usage } = ChatCompletion.parse(await response.json())
  const cached = usage.prompt_tokens_details.cached_tokens
  return {
    answer: choices[0]!.message.content,
    usage,
    audioId: usage.audio[0]!.audio_id,
    computed: usage.prompt_tokens - cached,
  }
}

/** What the engine computed and what was heard, while `work` was done. */
async function counted<T>(work: () => Promise<T>) {
  const before = { ...model.engine.stats(), heard: encoderCache.stats().misses }
  const result = await work()
  const after = { ...model.engine.stats(), heard: encoderCache.stats().misses }
  const tokens = after.promptTokens - before.promptTokens
  return {
    result,
    heard: after.heard - before.heard,
    computed: tokens - (after.promptTokensReused - before.promptTokensReused),
  }
}

describe('only what is new is paid for', () => {
  it('by the second question, whether the file comes again or its id', async () => {
    const audio = recordings[0]!
    const first = await ask([user(audio, text('Who is speaking?'))])
    const { audio_tokens: audioTokens } = first.usage.prompt_tokens_details
    expect(first.computed).toBeGreaterThan(audioTokens)
    // The very same request: all but the positions that are always computed.
    const same = await ask([user(byId(first.audioId), text('Who is speaking?'))])
    expect(same.computed).toBeLessThanOrEqual(2)
    expect(same.answer).toBe(first.answer)
    const again = await counted(() => ask([user(audio, text('When is it?'))]))
    const named = await counted(() => ask([user(byId(first.audioId), text('What is the number?'))]))
    for (const { result, heard, computed } of [again, named]) {
      expect(heard).toBe(0)
      expect(result.usage.prompt_tokens_details.cached_tokens).toBeGreaterThan(audioTokens)
      expect(result.computed).toBeLessThan(QUESTION_TOKENS)
      expect(computed).toBe(result.computed)
      expect(result.usage.audio).toEqual(first.usage.audio)
    }
  })

  it('by the next turn of a conversation', async () => {
    const opening = user(recordings[1]!, text('What is it about?'))
    const first = await ask([opening])
    const { audioId, answer } = first
    const turns = [
      user(byId(audioId), text('What is it about?')),
      { role: 'assistant', content: answer },
      { role: 'user', content: 'Say it in other words.' },
    ]
    const { result, heard, computed } = await counted(() => ask(turns))
    expect(heard).toBe(0)
    expect(result.usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(
      first.usage.prompt_tokens - 2,
    )
    expect(computed).toBeLessThan(first.usage.completion_tokens + QUESTION_TOKENS)
  })

  it('by many questions at once: one hears and computes the audio for all', async () => {
    const labels = ['angry', 'happy', 'sad', 'a warning', 'a question', 'a joke', 'a prayer', 'a song']
    const { result, heard, computed } = await counted(() =>
      Promise.all(labels.map(label => ask([user(recordings[2]!, text(`Is this ${label}?`))]))),
    )
    expect(heard).toBe(1)
    const { audio_tokens: audioTokens } = result[0]!.usage.prompt_tokens_details
    expect(computed).toBeLessThan(audioTokens + labels.length * QUESTION_TOKENS)
    expect(audioTokens).toBeGreaterThan(QUESTION_TOKENS)
  })

  it('by the choices of one request: n share one prompt', async () => {
    const n = 4
    const { result, heard, computed } = await counted(() =>
      ask([user(recordings[3]!, text('What is said?'))], { n, temperature: 1, seed: 1 }),
    )
    expect(heard).toBe(1)
    expect(computed).toBeLessThanOrEqual(result.usage.prompt_tokens + 2 * (n - 1))
    expect(result.computed).toBeGreaterThan(computed - 2 * n)
  })
})
