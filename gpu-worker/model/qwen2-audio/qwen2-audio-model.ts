/**
 * The architecture of Qwen2-Audio: the frames of Whisper's encoder, pooled and projected, stand in Qwen2's prompt,
 * one placeholder each. There is no recognizer beside it: what was said is known to the language model alone.
 */
import { SAMPLE_RATE_HZ, WINDOW_SECONDS } from '../../audio/constants.ts'
import { splitWindows } from '../../audio/windows.ts'
import { EncodeQueue } from '../../encode/encode-queue.ts'
import { createEngine } from '../../engine/create-engine.ts'
import type { AdapterWeights } from '../../engine/types.ts'
import { loadTokenizer } from '../../text/tokenizer.ts'
import { adapterOf } from '../adapter.ts'
import { type ChatModel, generationDefaults, type HeardWindow, type LoadContext } from '../chat-model.ts'
import { loadEmbeddings } from '../embedding-table.ts'
import { identityOf } from '../identity.ts'
import type { Qwen2AudioManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { renderChat } from '../render-chat.ts'
import { readSafetensors } from '../safetensors.ts'
import { hearWindow } from './hear.ts'

/** Goes up when the code hears otherwise than before, so that no cache on disk keeps what it heard then. */
const HEARING_VERSION = 1

/** Prompt tokens of one step on a GPU, which reads hundreds in little more than the time of one. Not measured yet. */
const GPU_PREFILL = { prefillBudget: 512, prefillBudgetIdle: 2048 }

/** Loads a pack of Qwen2-Audio's architecture. */
export async function loadQwen2AudioModel(
  pack: Pack<Qwen2AudioManifest>,
  context: LoadContext,
): Promise<ChatModel> {
  const { manifest } = pack
  const { audio, language_model: languageModel, tokens, prompt } = manifest
  const { runtime, threads, encodeQueue = new EncodeQueue() } = context
  const [ears, decoder, embeddings, tokenizer, adapters] = await Promise.all([
    runtime.loadSession(pack.path(audio.graph), { threads, device: runtime.device }),
    runtime.loadSession(pack.path(languageModel.graph), { threads, device: runtime.device }),
    loadEmbeddings(pack, languageModel),
    loadTokenizer(pack.path(manifest.tokenizer)),
    loadAdapters(pack),
  ])
  const engine = createEngine(
    { decoder, embeddings, checkpoints: adapters },
    {
      ...(runtime.device.provider === 'cuda' ? GPU_PREFILL : {}),
      ...context.engine,
      slotCapacity: Math.min(context.engine.slotCapacity ?? 4096, languageModel.max_positions),
    },
  )
  const format = { tokenizer, tokens, defaultSystem: prompt.default_system, textEndsLine: false }
  const identity = hearingIdentity(manifest)

  return {
    pack,
    tokenizer,
    engine,
    stopIds: new Set([tokens.end_of_turn, tokens.end_of_text]),
    generation: generationDefaults(manifest.generation),
    checkpoints: manifest.checkpoints.map(({ name }) => name),
    defaultCheckpoint: manifest.default_checkpoint,
    translationPrompt: 'Translate the speech into English.',
    // Adapters of a large model lie where it computes, from the start on.
    holdCheckpoint: async () => ({ [Symbol.dispose]: () => {} }),
    hasRecognizer: false,
    hearingIdentity: identity,
    // Adapters are the language model's: all checkpoints share what was heard.
    projectionIdentity: () => identity,
    // An adapter of this architecture is a whole other model, with audio and without.
    adapterFor: checkpoint => (adapters.has(checkpoint) ? checkpoint : null),
    hearAudio: (samples, who) =>
      encodeQueue.job(who, async turn => {
        const windows: HeardWindow[] = []
        for (const { start, end } of splitWindows(samples, WINDOW_SECONDS)) {
          const features = await turn(() =>
            hearWindow(ears, samples.subarray(start, end), languageModel.hidden, who.signal),
          )
          const [startSeconds, endSeconds] = [start / SAMPLE_RATE_HZ, end / SAMPLE_RATE_HZ]
          windows.push({ features, speech: null, startSeconds, endSeconds })
        }
        return windows
      }),
    async projectAudio(heard) {
      return heard.map(({ features, startSeconds, endSeconds }) => ({
        ids: [
          tokens.audio_start,
          ...new Array<number>(features.dims[1]!).fill(tokens.audio),
          tokens.audio_end,
        ],
        rows: features.data,
        startSeconds,
        endSeconds,
        transcript: null,
        unbiasedTranscript: null,
      }))
    },
    renderChat: (messages, audios) => renderChat(messages, audios, format, embeddings),
    async close() {
      await engine.close()
      await Promise.all([ears.release(), decoder.release()])
      embeddings.close()
    },
  }
}

/** The adapters of those checkpoints that have one. */
async function loadAdapters(pack: Pack<Qwen2AudioManifest>): Promise<Map<string, AdapterWeights>> {
  const adapters = new Map<string, AdapterWeights>()
  for (const { name, adapter } of pack.manifest.checkpoints) {
    if (adapter !== undefined) adapters.set(name, adapterOf(await readSafetensors(pack.path(adapter))))
  }
  return adapters
}

/** Of all that isn't an adapter: what was heard outlives a new one. */
function hearingIdentity({ audio, files, checkpoints }: Qwen2AudioManifest): string {
  const adapters = new Set(checkpoints.map(({ adapter }) => adapter))
  const heardWith = Object.entries(files).filter(([file]) => !adapters.has(file))
  return identityOf(HEARING_VERSION, audio, heardWith)
}
