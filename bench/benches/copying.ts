/**
 * One stream that repeats what it heard: tokens a second of `Transcribe the audio.` over spoken clips, with tokens
 * guessed and computed along (gpu-worker/engine/draft.ts), beside the same engine one by one.
 */
import { fileURLToPath } from 'node:url'
import { decodeAudio } from '../../gpu-worker/audio/decode.ts'
import type { EngineOptions } from '../../gpu-worker/engine/engine.ts'
import type { ChatModel, EncodedAudio } from '../../gpu-worker/model/chat-model.ts'
import { loadPacks } from '../../gpu-worker/model/pack.ts'
import { loadChatModels } from '../../gpu-worker/model/registry.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { GREEDY } from '../../gpu-worker/sampling/options.ts'
import type { Bench } from '../bench.ts'
import { type SpeechClip, speechClips } from '../speech-clips.ts'

const MODELS = process.env['AURICLE_MODELS'] ?? fileURLToPath(new URL('../../models', import.meta.url))
const SHORTEST_SECONDS = 4
const ANSWER_TOKENS = 200
const LIMITS = { maxSeconds: 60, maxBytes: 1e7 }
const ENGINES = { guessing: {}, plain: { maxDrafts: 0 } } satisfies Record<string, EngineOptions>

const copying: Bench = async function* ({ threads, runs = 40, log }) {
  const [packs, runtime] = await Promise.all([loadPacks(MODELS), loadRuntime()])
  const contenders = await Promise.all(
    Object.values(ENGINES).map(async engine => {
      const models = await loadChatModels({ packs, runtime, threads, engine: { slots: 2, ...engine } })
      return { model: models.get('pocket')!, tokens: 0, ms: 0 }
    }),
  )
  try {
    const clips = (await speechClips(SHORTEST_SECONDS, 30)).slice(0, runs)
    for (const clip of clips) {
      for (const contender of contenders) {
        const { tokens, ms } = await transcribe(contender.model, clip)
        contender.tokens += tokens
        contender.ms += ms
      }
    }
    const [guessing, plain] = contenders.map(({ tokens, ms }) => (tokens * 1000) / ms) as [number, number]
    const [saved, all] = contenders.map(({ model }) => model.engine.stats().steps) as [number, number]
    log(`${saved} steps instead of ${all}`)
    const peer = { name: 'token by token', value: plain }
    yield { bench: 'copying/one-stream', value: guessing, unit: 'tokens/s', peer }
  } finally {
    for (const { model } of contenders) await model.close()
  }
}
export default copying

/** Tokens behind the first, and how long they took. */
async function transcribe(model: ChatModel, { bytes }: SpeechClip): Promise<{ tokens: number; ms: number }> {
  const { signal } = new AbortController()
  const { samples, durationSeconds } = await decodeAudio(bytes, LIMITS)
  const checkpoint = model.defaultCheckpoint
  using _ = await model.holdCheckpoint(checkpoint)
  const heard = await model.hearAudio(samples, { tenant: '', priority: 'normal', signal })
  const windows = await model.projectAudio(heard, checkpoint, signal)
  const audio: EncodedAudio = { id: '', windows, durationSeconds, contentHash: String(performance.now()) }
  const content = [
    { type: 'audio', audio: 0 },
    { type: 'text', text: 'Transcribe the audio.' },
  ] as const
  const { prompt } = model.renderChat([{ role: 'user', content }], [audio], checkpoint)
  const arrivals: number[] = []
  const events = model.engine.generate({
    id: 'bench',
    prompt,
    checkpoint: model.adapterFor(checkpoint, true),
    maxTokens: ANSWER_TOKENS,
    stopIds: model.stopIds,
    sampling: GREEDY,
    signal,
  })
  for await (const event of events) if (event.type === 'token') arrivals.push(performance.now())
  return { tokens: arrivals.length - 1, ms: arrivals.at(-1)! - arrivals[0]! }
}
