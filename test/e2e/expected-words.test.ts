/** Words that a chat request says are likely: heard before they are spliced, and told what they changed. */
import { readFile } from 'node:fs/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decodeAudio } from '../../gpu-worker/audio/decode.ts'
import type { ChatModel } from '../../gpu-worker/model/chat-model.ts'
import { loadPacks } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'

const FOLDER = new URL('../fixtures/spoken-messages/', import.meta.url)
const who = { tenant: 'test', priority: 'normal', signal: new AbortController().signal } as const

let model: ChatModel
let samples: Float32Array

beforeAll(async () => {
  const [packs, runtime] = await Promise.all([loadPacks('models'), loadRuntime()])
  model = (await loadChatModels({ packs, runtime, threads: 2, engine: {} })).get('pocket')!
  const manifest = JSON.parse(await readFile(new URL('manifest.json', FOLDER), 'utf8')) as {
    file: string
    text: string
  }[]
  const { file } = manifest.find(({ text }) => text.includes('Philip'))!
  samples = (await decodeAudio(await readFile(new URL(file, FOLDER)), { maxSeconds: 60, maxBytes: 1e7 }))
    .samples
})
afterAll(() => model.close())

describe('a hotword', () => {
  it('is heard where it sounds alike, leads its step, and what the sound alone said is kept', async () => {
    const [plain] = await model.hearAudio(samples, who)
    expect(plain!.speech!.text).toContain('Philip')
    expect(plain!.speech!.unbiasedText).toBeNull()
    const [expected] = await model.hearAudio(samples, who, { languageModel: null, hotwords: ['Phillip'] })
    expect(expected!.speech!.text).toContain('Phillip')
    expect(expected!.speech!.unbiasedText).toContain('Philip')
    for (const { ids, probabilities } of expected!.speech!.steps) {
      expect(new Set(ids).size).toBe(ids.length)
      expect(probabilities).toEqual(probabilities.toSorted((a, b) => b - a))
    }
    const [window] = await model.projectAudio([expected!], model.defaultCheckpoint, who.signal)
    expect(window).toMatchObject({
      transcript: expected!.speech!.text.trim(),
      unbiasedTranscript: expected!.speech!.unbiasedText!.trim(),
    })
  })

  it('that wasn’t said changes nothing', async () => {
    const [plain] = await model.hearAudio(samples, who)
    const [expected] = await model.hearAudio(samples, who, { languageModel: null, hotwords: ['Xarelto'] })
    expect(expected!.speech!.text.toLowerCase()).toBe(plain!.speech!.text.toLowerCase())
  })
})
