/**
 * One whole chat request, top to bottom: audio in, text out.
 *
 * 1. the model and its checkpoint;  2. every audio decoded;  3. encoded;  4. the conversation rendered and
 * spliced;  5. the engine run, once a choice;  6. tokens turned into text;  7. usage, with what was covered.
 */
import type {
  AudioCoverage,
  ChatCompletionRequest,
  FinishReason,
  TokenLogprob,
  Usage,
} from '../src/protocol/chat-completions.ts'
import { ApiError } from '../src/protocol/errors.ts'
import type { Limits } from '../src/protocol/limits.ts'
import { type DecodedAudio, decodeAudio } from './audio/decode.ts'
import { orCancelled, throwIfCancelled } from './cancellation.ts'
import { type AudioReference, audioBytes, toConversation } from './conversation.ts'
import { fitChat } from './fit-chat.ts'
import { type ChatModel, type EncodedAudio, modelIds, type RenderedChat } from './model/chat-model.ts'
import { samplingOptions } from './sampling/from-request.ts'
import { merge } from './stream/merge.ts'
import { AnswerText } from './text/answer-text.ts'

/** What a chat request becomes, in order: one start, deltas and an end for each choice, one usage. */
export type ChatEvent =
  | { type: 'start'; model: string }
  | { type: 'delta'; choice: number; text: string; logprobs: TokenLogprob[] }
  | { type: 'finish'; choice: number; reason: FinishReason; text: string; logprobs: TokenLogprob[] }
  | { type: 'usage'; usage: Usage }

export interface GenerateContext {
  requestId: string
  /** Nothing that is cached of one tenant's requests is ever used for another's. */
  tenant: string
  models: ReadonlyMap<string, ChatModel>
  limits: Limits
  /** Until when the whole answer must be there, in the time of `performance.now()`; null: whenever. */
  deadlineMs: number | null
  /**
   * Aborting stops the work wherever it is; the generator then throws `request_cancelled`, or
   * `deadline_exceeded` where the reason is a TimeoutError.
   */
  signal: AbortSignal
}

/**
 * Answers one request.
 * @throws ApiError for everything that is the caller's to mend; before the `start` event unless a model fails
 */
export async function* generateChat(
  request: ChatCompletionRequest,
  context: GenerateContext,
): AsyncGenerator<ChatEvent> {
  const { signal, limits, tenant, deadlineMs } = context
  const { model, checkpoint } = resolveModel(request.model, context.models)
  const conversation = toConversation(request)
  const sampling = samplingOptions(request, model.generation)

  const decoded = await Promise.all(conversation.audios.map(audio => decodePart(audio, limits, signal)))
  const encoded: EncodedAudio[] = []
  for (const { samples } of decoded) {
    encoded.push(await orCancelled(model.encodeAudio(samples, checkpoint, signal), signal))
  }
  // What was tuned is how to answer about audio; a conversation without any is the base model's, unchanged.
  const adapter = conversation.audios.length > 0 ? checkpoint : null
  const answerTokens = request.max_completion_tokens ?? request.max_tokens ?? model.generation.maxTokens
  const prompts = fitChat(conversation.messages, encoded, {
    model,
    checkpoint,
    answerTokens,
    longAudio: request.long_audio ?? 'error',
  })
  throwIfCancelled(signal)
  yield { type: 'start', model: request.model }

  let completionTokens = 0
  async function* answer(choice: number): AsyncGenerator<ChatEvent> {
    const text = new AnswerText(model.tokenizer, stopStrings(request), sampling.topLogprobs !== null)
    let reason: FinishReason = 'stop'
    for (const [part, { prompt }] of prompts.entries()) {
      if (part > 0) yield { type: 'delta', choice, text: `${text.flush()}\n`, logprobs: [] }
      const stopped = new AbortController()
      const events = model.engine.generate({
        id: `${context.requestId}/${choice}/${part}`,
        prompt,
        checkpoint: adapter,
        tenant,
        priority: PRIORITIES[request.service_tier ?? 'auto'],
        ...(deadlineMs === null ? {} : { queueTimeoutMs: deadlineMs - performance.now() }),
        maxTokens: Math.min(answerTokens, model.engine.contextLength - prompt.ids.length),
        stopIds: model.stopIds,
        sampling: { ...sampling, seed: sampling.seed === null ? null : sampling.seed + choice },
        signal: AbortSignal.any([signal, stopped.signal]),
      })
      for await (const event of events) {
        if (event.type === 'end') {
          throwIfCancelled(signal)
          if (event.reason === 'length') reason = 'length'
          break
        }
        completionTokens++
        if (model.stopIds.has(event.id)) continue
        const delta = text.push(event)
        if (delta.text !== '' || delta.logprobs.length > 0) yield { type: 'delta', choice, ...delta }
        if (text.stopped) {
          stopped.abort()
          break
        }
      }
      if (text.stopped) break
    }
    yield { type: 'finish', choice, reason: text.stopped ? 'stop' : reason, text: text.flush(), logprobs: [] }
  }
  yield* merge(Array.from({ length: request.n ?? 1 }, (_, choice) => answer(choice)))
  yield { type: 'usage', usage: usageOf(prompts, completionTokens, decoded, encoded) }
}

const PRIORITIES = { priority: 'high', auto: 'normal', default: 'normal', flex: 'low' } as const

/** `pocket` is the pack with its default checkpoint, `pocket:sft` the pack with that one. */
function resolveModel(name: string, models: ReadonlyMap<string, ChatModel>) {
  const colon = name.indexOf(':')
  const model = models.get(colon < 0 ? name : name.slice(0, colon))
  const checkpoint = colon < 0 ? model?.defaultCheckpoint : name.slice(colon + 1)
  if (!model || checkpoint === undefined || !model.checkpoints.includes(checkpoint)) {
    throw new ApiError('model_not_found', {
      message: `The model '${name.slice(0, 80)}' is not here. There is: ${modelIds(models).join(', ')}.`,
      param: 'model',
    })
  }
  return { model, checkpoint }
}

async function decodePart(audio: AudioReference, limits: Limits, signal: AbortSignal): Promise<DecodedAudio> {
  const bytes = audioBytes(audio, limits.maxAudioBytes)
  try {
    return await decodeAudio(
      bytes,
      { maxSeconds: limits.maxAudioSeconds, maxBytes: limits.maxAudioBytes },
      signal,
    )
  } catch (error) {
    throwIfCancelled(signal)
    if (!(error instanceof ApiError)) throw error
    const message = `${audio.path}: ${error.message}`
    throw new ApiError(error.code, { message, param: audio.path, cause: error })
  }
}

function stopStrings(request: ChatCompletionRequest): string[] {
  const { stop } = request
  return stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop
}

function usageOf(
  prompts: readonly RenderedChat[],
  completionTokens: number,
  decoded: readonly DecodedAudio[],
  encoded: readonly EncodedAudio[],
): Usage {
  const promptTokens = prompts.reduce((sum, { prompt }) => sum + prompt.ids.length, 0)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: {
      audio_tokens: prompts.reduce((sum, { audioTokens }) => sum + audioTokens, 0),
    },
    audio: encoded.map((audio, index) => coverageOf(index, decoded[index]!, audio)),
  }
}

/** Which seconds of the audio the model was given; windows that touch are one range. */
function coverageOf(index: number, decoded: DecodedAudio, encoded: EncodedAudio): AudioCoverage {
  const ranges: AudioCoverage['ranges'] = []
  for (const { startSeconds, endSeconds } of encoded.windows) {
    const last = ranges.at(-1)
    if (last && last.end === startSeconds) last.end = endSeconds
    else ranges.push({ start: startSeconds, end: endSeconds })
  }
  return {
    index,
    seconds_received: roundMilliseconds(decoded.durationSeconds),
    seconds_encoded: roundMilliseconds(ranges.reduce((sum, { start, end }) => sum + end - start, 0)),
    ranges: ranges.map(({ start, end }) => ({
      start: roundMilliseconds(start),
      end: roundMilliseconds(end),
    })),
  }
}

function roundMilliseconds(seconds: number): number {
  return Math.round(seconds * 1000) / 1000
}
