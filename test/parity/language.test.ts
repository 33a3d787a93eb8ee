/** Rendered prompts and first-token logits against tokenizers and torch (training/goldens). */
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChatModel, EncodedAudio } from '../../gpu-worker/model/chat-model.ts'
import type { PocketManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { GREEDY } from '../../gpu-worker/sampling/options.ts'
import type { ChatMessage } from '../../gpu-worker/text/chat-template.ts'
import { readFloats, readGolden } from './golden.ts'

/** An audio part says how many acoustic and speech tokens each of its windows has. */
interface GoldenMessage {
  role: ChatMessage['role']
  content: ({ type: 'text'; text: string } | { type: 'audio'; windows: [number, number][] })[]
}

interface LogitsGolden {
  checkpoint: string
  tolerance: { logit: number; top_1_equal: boolean }
  message: GoldenMessage
  acoustic: string | null
  speech: string | null
  ids: number[]
  top_ids: number[]
  top_logits: number[]
}

let model: ChatModel

beforeAll(async () => {
  const packs = await loadPacks('models')
  const models = await loadChatModels({
    packs,
    runtime: await loadRuntime(),
    threads: 2,
    engine: { slots: 1 },
  })
  model = models.get('pocket')!
})

afterAll(() => model.close())

/** The golden's conversation with audios of the right shape; `rows` are their embeddings, in order. */
function conversation(messages: GoldenMessage[], rows?: Float32Array) {
  const { tokens, language_model } = model.pack.manifest as PocketManifest
  const audios: EncodedAudio[] = []
  let used = 0
  const rendered = messages.map(
    ({ role, content }): ChatMessage => ({
      role,
      content: content.map(part => {
        if (part.type === 'text') return part
        const windows = part.windows.map(([acoustic, speech]) => {
          const count = (acoustic + speech) * language_model.hidden
          const placeholders = (length: number) => new Array<number>(length).fill(tokens.audio)
          const ids = [tokens.audio_start, ...placeholders(acoustic), tokens.audio_speech]
          ids.push(...placeholders(speech), tokens.audio_end)
          const embeddings = rows?.slice(used, used + count) ?? new Float32Array(count)
          used += count
          return {
            ids,
            rows: embeddings,
            startSeconds: 0,
            endSeconds: 1,
            transcript: null,
            unbiasedTranscript: null,
          }
        })
        audios.push({
          id: 'golden',
          windows,
          durationSeconds: windows.length,
          contentHash: `golden-${audios.length}`,
        })
        return { type: 'audio', audio: audios.length - 1 }
      }),
    }),
  )
  return model.renderChat(rendered, audios, model.defaultCheckpoint)
}

describe('prompt ids', () => {
  const { cases } = readGolden<{ cases: { name: string; messages: GoldenMessage[]; ids: number[] }[] }>(
    'prompts',
  )
  it.each(cases)('$name', ({ messages, ids }) => {
    expect([...conversation(messages).prompt.ids]).toEqual(ids)
  })
})

describe('first-token logits', () => {
  it.each(['logits-text', 'logits-spliced'])('%s', async name => {
    const golden = readGolden<LogitsGolden>(name)
    expect(golden.checkpoint).toBe(model.defaultCheckpoint)
    const arrays = [golden.acoustic, golden.speech].filter(file => file !== null).map(readFloats)
    const rows = new Float32Array(arrays.reduce((length, array) => length + array.length, 0))
    for (let k = 0, at = 0; k < arrays.length; at += arrays[k++]!.length) rows.set(arrays[k]!, at)
    const { prompt } = conversation([golden.message], rows)
    expect([...prompt.ids]).toEqual(golden.ids)

    const request = {
      id: name,
      prompt,
      checkpoint: golden.checkpoint,
      maxTokens: 1,
      stopIds: new Set<number>(),
      sampling: { ...GREEDY, topLogprobs: 20 },
      signal: new AbortController().signal,
    }
    for await (const event of model.engine.generate(request)) {
      if (event.type !== 'token') continue
      if (golden.tolerance.top_1_equal) expect(event.id).toBe(golden.top_ids[0])
      // Log-probabilities and logits differ by a constant: what is compared is the distance to the first.
      const first = event.topLogprobs.find(({ id }) => id === golden.top_ids[0])!
      for (const { id, logprob } of event.topLogprobs) {
        const rank = golden.top_ids.indexOf(id)
        if (rank < 0) continue
        const theirs = golden.top_logits[rank]! - golden.top_logits[0]!
        expect(Math.abs(logprob - first.logprob - theirs)).toBeLessThan(golden.tolerance.logit)
      }
    }
  })
})
