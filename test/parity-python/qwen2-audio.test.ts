/** Qwen2-Audio step by step against transformers: spectrogram, audio embeddings, prompt, logits, greedy answers. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { logMelSpectrogram } from '../../gpu-worker/audio/mel.ts'
import { ModelRunner } from '../../gpu-worker/engine/model-runner.ts'
import type { ChatModel, EncodedAudio } from '../../gpu-worker/model/chat-model.ts'
import { type LoadedEmbeddings, loadEmbeddings } from '../../gpu-worker/model/embedding-table.ts'
import type { Qwen2AudioManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import type { OrtSession } from '../../gpu-worker/runtime/runtime.ts'
import { GREEDY } from '../../gpu-worker/sampling/options.ts'
import type { ChatMessage } from '../../gpu-worker/text/chat-template.ts'
import { largestDifference } from '../parity/golden.ts'
import {
  isTied,
  MODEL,
  MODELS_FOLDER,
  type ReferenceMessage,
  readArray,
  readReferences,
} from './references.ts'
import { logitsOf } from './runs.ts'

const references = readReferences()
const { tolerance, audios, cases, batches } = references
const { signal } = new AbortController()

let model: ChatModel
let decoder: OrtSession
let embeddings: LoadedEmbeddings
let runner: ModelRunner
/** By name. */
const encoded = new Map<string, EncodedAudio>()

beforeAll(async () => {
  const [packs, runtime] = await Promise.all([loadPacks(MODELS_FOLDER), loadRuntime()])
  const pack = packs.get(MODEL) as Pack<Qwen2AudioManifest>
  const { language_model: languageModel } = pack.manifest
  model = (await loadChatModels({ packs, runtime, threads: 2, engine: { slots: 4 } })).get(MODEL)!
  decoder = await runtime.loadSession(pack.path(languageModel.graph), { threads: 2 })
  embeddings = await loadEmbeddings(pack, languageModel)
  runner = new ModelRunner(
    { decoder, embeddings, checkpoints: new Map() },
    { slots: 1, slotCapacity: 4096, kvBytes: null },
  )
  for (const { name, samples } of audios) {
    const heard = readArray(samples)
    const windows = await model.projectAudio(
      await model.hearAudio(heard, { tenant: '', priority: 'normal', signal }),
      model.defaultCheckpoint,
      signal,
    )
    encoded.set(name, { id: name, windows, durationSeconds: heard.length / 16_000, contentHash: name })
  }
})
afterAll(async () => {
  runner.release()
  await Promise.all([model.close(), decoder.release()])
  embeddings.close()
})

describe('an audio', () => {
  it.each(audios)('$name: its log-mel frames and two behind them', ({ samples, mel, frames }) => {
    const heard = readArray(samples)
    // As much silence as the convolutions can see.
    const padded = new Float32Array(Math.min(heard.length + 320, 480_000))
    padded.set(heard)
    const ours = logMelSpectrogram(padded, 128)
    const columns = mel.shape[1]!
    expect(columns).toBe(Math.min(frames + 2, 3000))
    const compared = new Float32Array(128 * columns)
    for (let bin = 0; bin < 128; bin++) {
      const row = ours.data.subarray(bin * ours.frames, bin * ours.frames + columns)
      compared.set(row, bin * columns)
    }
    expect(largestDifference(compared, readArray(mel))).toBeLessThan(tolerance.mel)
  })

  it.each(audios)('$name: $tokens embeddings', ({ name, tokens, embeddings: theirs }) => {
    const { windows } = encoded.get(name)!
    expect(windows).toHaveLength(1)
    expect(windows[0]!.ids).toHaveLength(tokens + 2)
    expect(largestDifference(windows[0]!.rows, readArray(theirs))).toBeLessThan(tolerance.audio_embeddings)
  })
})

it('an audio longer than a window is heard in several, each as an audio of its own', async () => {
  const [long, short] = ['30 seconds', 'speech'].map(name =>
    readArray(audios.find(audio => audio.name === name)!.samples),
  )
  const samples = new Float32Array(long!.length + short!.length)
  samples.set(long!)
  samples.set(short!, long!.length)
  const who = { tenant: '', priority: 'normal', signal } as const
  const windows = await model.hearAudio(samples, who)
  expect(windows.length).toBe(2)
  expect(windows[0]!.startSeconds).toBe(0)
  expect(windows[1]!.startSeconds).toBe(windows[0]!.endSeconds)
  expect(windows[1]!.endSeconds).toBe(samples.length / 16_000)
  for (const { startSeconds, endSeconds, features } of windows) {
    const alone = await model.hearAudio(
      samples.slice(Math.round(startSeconds * 16_000), Math.round(endSeconds * 16_000)),
      who,
    )
    expect(alone).toHaveLength(1)
    expect(alone[0]!.features).toEqual(features)
  }
})

describe('a conversation', () => {
  it.each(cases)('$name: the prompt, ids and what is spliced', ({ messages, ids, embeddings: theirs }) => {
    const { prompt } = render(messages)
    expect([...prompt.ids]).toEqual(ids)
    expect(largestDifference(prompt.embeddings, readArray(theirs))).toBeLessThan(tolerance.embeddings)
  })

  it.each(cases)('$name: logits after the prompt and of each step', async ({ messages, answer, logits }) => {
    const theirs = readArray(logits)
    const [steps, vocabulary] = logits.shape as [number, number]
    let step = 0
    for await (const ours of logitsOf(runner, render(messages).prompt, answer.slice(0, -1))) {
      const expected = theirs.subarray(step * vocabulary, (step + 1) * vocabulary)
      expect(largestDifference(ours, expected), `step ${step}`).toBeLessThan(tolerance.logits)
      step++
    }
    expect(step).toBe(steps)
  })

  it.each(cases)('$name: the greedy answer', async ({ messages, answer, text, gaps }) => {
    const ours = await generate(messages, answer.length)
    if (isTied({ gaps }, references)) return
    expect(ours).toEqual(answer)
    expect(model.tokenizer.decode(ours)).toBe(text)
  })

  it('is seldom decided by a tie', () => {
    const tied = cases.filter(known => isTied(known, references))
    expect(tied.length).toBeLessThanOrEqual(1)
  })
})

describe('several at once', () => {
  it.each(batches)('$name', async ({ cases: names, answers }) => {
    const conversations = names.map(name => cases.find(known => known.name === name)!)
    const ours = await Promise.all(
      conversations.map(({ messages }, index) => generate(messages, answers[index]!.answer.length)),
    )
    for (const [index, ids] of ours.entries()) {
      if (!isTied(answers[index]!, references)) expect(ids).toEqual(answers[index]!.answer)
    }
  })
})

function render(messages: readonly ReferenceMessage[]) {
  const used: EncodedAudio[] = []
  const rendered = messages.map(
    ({ role, content }): ChatMessage => ({
      role,
      content: content.map(part => {
        if (part.type === 'text') return part
        used.push(encoded.get(part.audio)!)
        return { type: 'audio', audio: used.length - 1 }
      }),
    }),
  )
  return model.renderChat(rendered, used, model.defaultCheckpoint)
}

/** Greedy ids through the engine. */
async function generate(messages: readonly ReferenceMessage[], maxTokens: number): Promise<number[]> {
  const ids: number[] = []
  const events = model.engine.generate({
    id: 'parity',
    prompt: render(messages).prompt,
    checkpoint: null,
    maxTokens,
    stopIds: model.stopIds,
    sampling: GREEDY,
    signal,
  })
  for await (const event of events) if (event.type === 'token') ids.push(event.id)
  return ids
}
