/**
 * One whole chat request, top to bottom: audio in, text out.
 *
 * 1. the model and its checkpoint;  2. every audio received;  3. encoded, or found in the cache;  4. the
 * conversation rendered and spliced;  5. the engine run, once a choice;  6. tokens turned into text;  7. usage,
 * with what was covered.
 */
import { createHash } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'
import type {
  AudioCoverage,
  ChatCompletionRequest,
  FinishReason,
  Grounding,
  TokenLogprob,
  Usage,
} from '../src/protocol/chat-completions.ts'
import { ApiError } from '../src/protocol/errors.ts'
import { defaultNgramWeight, defaultWordBonus } from '../src/protocol/rescore.ts'
import type { NgramModels } from '../src/storage/ngram-models.ts'
import { throwIfCancelled } from './cancellation.ts'
import { toConversation } from './conversation.ts'
import type { EncodeFor } from './encode/encode-queue.ts'
import type { Hearing } from './encode/encoder-cache.ts'
import type { Scores } from './engine/types.ts'
import { fitChat } from './fit-chat.ts'
import type { Grammars } from './grammar/grammars.ts'
import { groundingOf, renderSilent } from './grounding.ts'
import { coverageOf, encodeAudios, type HearingContext, roundMilliseconds } from './hear-audios.ts'
import type { ChatModel, EncodedAudio, RenderedChat } from './model/chat-model.ts'
import { resolveModel } from './resolve-model.ts'
import { samplingOptions } from './sampling/from-request.ts'
import type { ExpectedWords } from './speech/word-scorer.ts'
import { merge } from './stream/merge.ts'
import { AnswerText } from './text/answer-text.ts'
import type { ChatMessage } from './text/chat-template.ts'

/** What a chat request becomes, in order: one start, deltas and an end for each choice, one usage. */
export type ChatEvent =
  /** `audioSeconds` is the length of all audio received. */
  | { type: 'start'; model: string; audioSeconds: number }
  | { type: 'delta'; choice: number; text: string; logprobs: TokenLogprob[] }
  | {
      type: 'finish'
      choice: number
      reason: FinishReason
      text: string
      logprobs: TokenLogprob[]
      /** All tokens of the answer, the one that ended it included. */
      ids: readonly number[]
      /** Where it was asked for. */
      grounding: Grounding | null
    }
  | { type: 'usage'; usage: Usage }

export interface GenerateContext extends HearingContext {
  requestId: string
  /** Nothing that is cached of one tenant's requests is ever used for another's. */
  tenant: string
  models: ReadonlyMap<string, ChatModel>
  grammars: Grammars
  ngramModels: NgramModels
  /** Until when the whole answer must be there, in the time of `performance.now()`; null: whenever. */
  deadlineMs: number | null
  /**
   * Aborting stops the work wherever it is; the generator then throws `request_cancelled`, or
   * `deadline_exceeded` where the reason is a TimeoutError.
   */
  signal: AbortSignal
}

/** A chat that is ready to be answered. */
export interface PreparedChat {
  readonly model: ChatModel
  readonly checkpoint: string
  /** What answers: the checkpoint's adapter, or the base model. */
  readonly adapter: string | null
  readonly messages: readonly ChatMessage[]
  readonly encoded: readonly EncodedAudio[]
  /** One; several, to be answered one after another, where a long audio is taken in parts. */
  readonly prompts: readonly RenderedChat[]
  readonly answerTokens: number
  readonly who: EncodeFor
  readonly isExpecting: boolean
}

/**
 * Takes a request as far as its prompts: its audio received, heard and spliced. The checkpoint is held by the caller.
 * @throws ApiError for everything that is the caller's to mend
 */
export async function prepareChat(
  request: ChatCompletionRequest,
  context: GenerateContext,
): Promise<PreparedChat> {
  const { signal, tenant } = context
  const { model, checkpoint } = resolveModel(request.model, context.models)
  const { messages, audios } = toConversation(request)
  const who = { tenant, priority: PRIORITIES[request.service_tier ?? 'auto'], signal }
  const hearing = hearingOf(model, request, await expectedWords(request, model, context))
  const encoded = await encodeAudios(audios, hearing, checkpoint, who, context)
  const answerTokens = request.max_completion_tokens ?? request.max_tokens ?? model.generation.maxTokens
  const longAudio = request.long_audio ?? 'error'
  const prompts = fitChat(messages, encoded, { model, checkpoint, answerTokens, longAudio })
  throwIfCancelled(signal)
  const adapter = model.adapterFor(checkpoint, audios.length > 0)
  const isExpecting = hearing !== model
  return { model, checkpoint, adapter, messages, encoded, prompts, answerTokens, who, isExpecting }
}

/**
 * Answers one request.
 * @throws ApiError for everything that is the caller's to mend; before the `start` event unless a model fails
 */
export async function* generateChat(
  request: ChatCompletionRequest,
  context: GenerateContext,
): AsyncGenerator<ChatEvent> {
  const { signal, tenant, deadlineMs } = context
  const { model, checkpoint } = resolveModel(request.model, context.models)
  using _held = await model.holdCheckpoint(checkpoint)
  const asked = samplingOptions(request, model.generation)
  const withLogprobs = asked.topLogprobs !== null
  const sampling = request.grounding ? { ...asked, topLogprobs: asked.topLogprobs ?? 0 } : asked
  using grammar = await context.grammars.of(model, request.response_format)
  const chat = await prepareChat(request, context)
  const { prompts, encoded, adapter, answerTokens, who } = chat
  const audioSeconds = encoded.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
  const scoreSilent = request.grounding ? silentScorer(chat, context) : null

  let completionTokens = 0
  let cachedTokens = 0
  async function* answer(choice: number): AsyncGenerator<ChatEvent> {
    const text = new AnswerText(model.tokenizer, stopStrings(request), withLogprobs)
    const ids: number[] = []
    const logprobs: number[] = []
    let reason: FinishReason = 'stop'
    for (const [part, { prompt }] of prompts.entries()) {
      if (part > 0) yield { type: 'delta', choice, text: `${text.flush()}\n`, logprobs: [] }
      const stopped = new AbortController()
      const traced = {
        model: model.pack.manifest.name,
        promptTokens: prompt.ids.length,
        hasStopped: () => text.stopped,
      }
      const answering = model.engine.generate({
        id: `${context.requestId}/${choice}/${part}`,
        prompt,
        checkpoint: adapter,
        tenant,
        priority: who.priority,
        ...(deadlineMs === null ? {} : { deadlineMs }),
        maxTokens: Math.min(answerTokens, model.engine.contextLength - prompt.ids.length),
        stopIds: model.stopIds,
        grammar,
        sampling: { ...sampling, seed: sampling.seed === null ? null : sampling.seed + choice },
        signal: AbortSignal.any([signal, stopped.signal]),
      })
      for await (const event of context.trace.sequence(answering, traced)) {
        if (event.type === 'end') {
          throwIfCancelled(signal)
          if (event.reason === 'length') reason = 'length'
          // What the other choices reuse is the first's prompt.
          if (choice === 0) cachedTokens += event.timings.reusedTokens
          break
        }
        if (text.stopped) continue
        completionTokens++
        ids.push(event.id)
        if (event.logprob !== null) logprobs.push(event.logprob)
        if (model.stopIds.has(event.id)) continue
        const delta = text.push(event)
        if (delta.text !== '' || delta.logprobs.length > 0) yield { type: 'delta', choice, ...delta }
        // Its end is still to come.
        if (text.stopped) stopped.abort()
      }
      if (text.stopped) break
    }
    const grounding = scoreSilent && (await groundingOf({ ids, logprobs }, scoreSilent))
    yield {
      type: 'finish',
      choice,
      reason: text.stopped ? 'stop' : reason,
      text: text.flush(),
      logprobs: [],
      ids,
      grounding,
    }
  }
  const choices = merge(Array.from({ length: request.n ?? 1 }, (_, choice) => answer(choice)))
  const first = choices.next()
  try {
    // The engine refuses at once, if at all: before the start, where it still gets its own status.
    await Promise.race([first, setImmediate()])
    yield { type: 'start', model: request.model, audioSeconds: roundMilliseconds(audioSeconds) }
    for (let next = await first; !next.done; next = await choices.next()) yield next.value
  } finally {
    first.catch(() => {})
    await choices.return(undefined)
  }
  const counts = { completionTokens, cachedTokens }
  yield { type: 'usage', usage: usageOf(prompts, counts, encoded, chat.isExpecting) }
}

/** Scores answers behind the conversation with silence for audio, which is rendered when it is first needed. */
function silentScorer(chat: PreparedChat, context: GenerateContext) {
  const { model, checkpoint, messages, encoded: audios, who, adapter } = chat
  const { encoderCache, requestId, signal, tenant, trace, deadlineMs } = context
  let rendered: Promise<RenderedChat> | null = null
  return async (ids: readonly number[]): Promise<Scores> => {
    rendered ??= renderSilent({ model, checkpoint, messages, audios, who, encoderCache })
    const { prompt } = await rendered
    const id = `${requestId}/silence`
    const deadline = deadlineMs === null ? {} : { deadlineMs }
    const asked = { id, prompt, checkpoint: adapter, continuations: [ids], tenant, signal, ...deadline }
    const scores = model.engine.score(asked)
    return trace.scoring(scores, { model: model.pack.manifest.name, promptTokens: prompt.ids.length })
  }
}

const PRIORITIES = { priority: 'high', auto: 'normal', default: 'normal', flex: 'low' } as const

/**
 * Which words a request says are likely; null where it says nothing.
 * @throws ApiError `unsupported_parameter` by a model that has no recognizer for them
 */
async function expectedWords(
  { ngram_model: reference, ngram_weight, word_bonus, hotwords = [] }: ChatCompletionRequest,
  model: ChatModel,
  { ngramModels, tenant }: GenerateContext,
): Promise<ExpectedWords | null> {
  if (!model.hasRecognizer && (reference !== undefined || hotwords.length > 0)) {
    const param = reference === undefined ? 'hotwords' : 'ngram_model'
    throw new ApiError('unsupported_parameter', {
      message: `Unsupported '${param}' with ${model.pack.manifest.name}, which has no recognizer that could expect words.`,
      param,
    })
  }
  const opened = reference === undefined ? null : await ngramModels.open(tenant, reference, 'ngram_model')
  if (opened === null && hotwords.length === 0) return null
  const weight = ngram_weight ?? defaultNgramWeight
  const wordBonus = word_bonus ?? defaultWordBonus
  return { languageModel: opened && { ...opened, weight, wordBonus }, hotwords }
}

/** The model as it hears when it is told which words are likely: what it hears then is kept apart. */
function hearingOf(
  model: ChatModel,
  request: ChatCompletionRequest,
  expected: ExpectedWords | null,
): Hearing {
  if (expected === null) return model
  const { ngram_model, ngram_weight, word_bonus, hotwords } = request
  const asked = JSON.stringify([ngram_model, ngram_weight, word_bonus, hotwords])
  const key = createHash('sha256').update(asked).digest('hex').slice(0, 16)
  return {
    hearingIdentity: `${model.hearingIdentity}-${key}`,
    projectionIdentity: checkpoint => `${model.projectionIdentity(checkpoint)}-${key}`,
    hearAudio: (samples, who) => model.hearAudio(samples, who, expected),
    projectAudio: (windows, checkpoint, signal) => model.projectAudio(windows, checkpoint, signal),
  }
}

function stopStrings(request: ChatCompletionRequest): string[] {
  const { stop } = request
  return stop === undefined ? [] : typeof stop === 'string' ? [stop] : stop
}

function usageOf(
  prompts: readonly RenderedChat[],
  { completionTokens, cachedTokens }: { completionTokens: number; cachedTokens: number },
  encoded: readonly EncodedAudio[],
  isExpecting: boolean,
): Usage {
  const promptTokens = prompts.reduce((sum, { prompt }) => sum + prompt.ids.length, 0)
  return {
    prompt_tokens: promptTokens,
    completion_tokens: completionTokens,
    total_tokens: promptTokens + completionTokens,
    prompt_tokens_details: {
      audio_tokens: prompts.reduce((sum, { audioTokens }) => sum + audioTokens, 0),
      cached_tokens: cachedTokens,
    },
    audio: encoded.map((audio, index) => ({
      ...coverageOf(index, audio),
      ...(isExpecting ? heardOf(audio) : {}),
    })),
  }
}

/** What was heard, and what without the words that were expected. */
function heardOf({ windows }: EncodedAudio): Pick<AudioCoverage, 'heard' | 'changed'> {
  const join = (texts: readonly (string | null)[]) => texts.filter(text => text !== null).join(' ') || null
  const heard = join(windows.map(({ transcript }) => transcript))
  const unbiased = join(windows.map(({ unbiasedTranscript }) => unbiasedTranscript))
  return { heard, changed: unbiased === heard ? null : unbiased }
}
