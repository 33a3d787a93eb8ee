/**
 * How much of an answer comes from the audio: its log-probability behind the conversation as it was heard, against the
 * same with silence in the place of every audio.
 */
import type { Grounding } from '../src/protocol/chat-completions.ts'
import type { EncodeFor } from './encode/encode-queue.ts'
import type { EncoderCache } from './encode/encoder-cache.ts'
import type { Scores } from './engine/types.ts'
import type { ChatModel, EncodedAudio, RenderedChat } from './model/chat-model.ts'
import type { ChatMessage } from './text/chat-template.ts'

/** The conversation whose answers are held against silence. */
export interface GroundedChat {
  readonly model: ChatModel
  readonly checkpoint: string
  readonly messages: readonly ChatMessage[]
  readonly audios: readonly EncodedAudio[]
  readonly who: EncodeFor
  readonly encoderCache: EncoderCache
}

/** An answer's tokens with the logarithms of their probabilities. */
export interface ScoredAnswer {
  readonly ids: readonly number[]
  readonly logprobs: readonly number[]
}

/** Longer audio is as good as silent for so long: more would only be heard for nothing. */
const MOST_SECONDS = 30
const SAMPLE_RATE_HZ = 16_000
/** Whose silence it is: no tenant's. */
const NOBODY = ''

/** The conversation with silence for audio. */
export async function renderSilent(chat: GroundedChat): Promise<RenderedChat> {
  const { model, checkpoint, messages, audios } = chat
  const silent: EncodedAudio[] = []
  for (const { durationSeconds } of audios) silent.push(await silence(durationSeconds, chat))
  return model.renderChat(messages, silent, checkpoint)
}

/**
 * What the audio adds to an answer.
 * @param score scores the same tokens behind silence
 */
export async function groundingOf(
  { ids, logprobs }: ScoredAnswer,
  score: (ids: readonly number[]) => Promise<Scores>,
): Promise<Grounding> {
  const total = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0)
  const withAudio = total(logprobs)
  const without = ids.length === 0 ? 0 : total((await score(ids)).logprobs[0]!)
  const gain = withAudio - without
  return {
    tokens: ids.length,
    logprob: withAudio,
    logprob_without_audio: without,
    gain,
    gain_per_token: ids.length === 0 ? 0 : gain / ids.length,
  }
}

function silence(
  durationSeconds: number,
  { model, checkpoint, who, encoderCache }: GroundedChat,
): Promise<EncodedAudio> {
  const samples = Math.max(1, Math.round(Math.min(durationSeconds, MOST_SECONDS) * SAMPLE_RATE_HZ))
  const decode = async () => ({
    samples: new Float32Array(samples),
    durationSeconds: samples / SAMPLE_RATE_HZ,
  })
  return encoderCache.encode({ id: `silence-${samples}`, decode }, model, checkpoint, {
    ...who,
    tenant: NOBODY,
  })
}
