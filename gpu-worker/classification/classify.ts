/**
 * One whole classification: the recording heard, the question rendered once, every label scored behind it, and held
 * against what the model would say of silence and noise.
 */
import type { Usage } from '../../src/protocol/chat-completions.ts'
import type { ClassificationRequest, ClassificationResult } from '../../src/protocol/classifications.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { labelsOf } from '../../src/protocol/parse-classification.ts'
import { throwIfCancelled } from '../cancellation.ts'
import type { Scores } from '../engine/types.ts'
import { coverageOf, encodeAudios, type HearingContext } from '../hear-audios.ts'
import type { ChatModel, EncodedAudio, RenderedChat } from '../model/chat-model.ts'
import { resolveModel } from '../resolve-model.ts'
import { decide, gainsOf } from './decide.ts'
import type { LabelPriors } from './label-priors.ts'
import { outsideOf } from './outside-labels.ts'

export interface ClassifyContext extends HearingContext {
  requestId: string
  tenant: string
  models: ReadonlyMap<string, ChatModel>
  labelPriors: LabelPriors
  /** Until when the answer must be there, in the time of `performance.now()`; null: whenever. */
  deadlineMs: number | null
}

/** What came of it. */
export interface Classified {
  label: string | null
  labels: string[]
  noneOfThese: number
  results: ClassificationResult[]
  usage: Usage
}

/** The question where the caller asks none; the packs are taught to answer it with a label alone. */
const DEFAULT_PROMPT = 'What do you hear? Answer with a label.'

/**
 * Classifies one recording.
 * @throws ApiError for everything that is the caller's to mend
 */
export async function classify(
  request: ClassificationRequest,
  context: ClassifyContext,
): Promise<Classified> {
  const { tenant, signal, trace, labelPriors } = context
  const { model, checkpoint } = resolveModel(request.model, context.models)
  using _held = await model.holdCheckpoint(checkpoint)
  const labels = labelsOf(request)
  const prompt = request.prompt ?? DEFAULT_PROMPT
  // Of another question nobody knows what else could be answered.
  const outside = request.prompt === undefined ? outsideOf(labels) : []
  const all = [...labels, ...(outside ?? [])]
  const continuations = all.map(label => continuationOf(label, model))
  const who = { tenant, priority: 'normal' as const, signal }
  const [audio] = await encodeAudios(
    [{ part: request.audio, path: 'audio' }],
    model,
    checkpoint,
    who,
    context,
  )
  const scored = async (heard: EncodedAudio, id: string): Promise<[Scores, RenderedChat]> => {
    const rendered = renderQuestion(prompt, heard, continuations, model, checkpoint)
    const scores = model.engine.score({
      id: `${context.requestId}/${id}`,
      prompt: rendered.prompt,
      checkpoint: model.adapterFor(checkpoint, true),
      continuations,
      tenant,
      signal,
      ...(context.deadlineMs === null ? {} : { deadlineMs: context.deadlineMs }),
    })
    const asked = { model: model.pack.manifest.name, promptTokens: rendered.prompt.ids.length }
    return [await trace.scoring(scores, asked), rendered]
  }
  try {
    const [scores, rendered] = await scored(audio!, 'labels')
    const priors = await labelPriors.of(
      { model, checkpoint, prompt, labels: all, who },
      async (heard, id) => {
        const [{ logprobs }] = await scored(heard, id)
        return logprobs
      },
    )
    const { logprobs, timings } = scores
    const count = labels.length
    const given = { labels, logprobs: logprobs.slice(0, count), priors: priors.slice(0, count) }
    const others = gainsOf({ logprobs: logprobs.slice(count), priors: priors.slice(count) })
    const tokens = continuations.slice(0, count).reduce((sum, { length }) => sum + length, 0)
    const promptTokens = rendered.prompt.ids.length
    return {
      ...decide(given, outside && others, request),
      usage: {
        prompt_tokens: promptTokens,
        completion_tokens: tokens,
        total_tokens: promptTokens + tokens,
        prompt_tokens_details: { audio_tokens: rendered.audioTokens, cached_tokens: timings.reusedTokens },
        audio: [coverageOf(0, audio!)],
      },
    }
  } catch (error) {
    throwIfCancelled(signal)
    throw error
  }
}

/** A label as the whole answer. */
function continuationOf(label: string, { tokenizer, stopIds }: ChatModel): number[] {
  const [end] = stopIds
  return [...tokenizer.encode(label), end!]
}

/** @throws ApiError `context_length_exceeded` */
function renderQuestion(
  prompt: string,
  audio: EncodedAudio,
  continuations: readonly (readonly number[])[],
  model: ChatModel,
  checkpoint: string,
): RenderedChat {
  const content = [
    { type: 'audio' as const, audio: 0 },
    { type: 'text' as const, text: prompt },
  ]
  const rendered = model.renderChat([{ role: 'user', content }], [audio], checkpoint)
  const length = rendered.prompt.ids.length + Math.max(...continuations.map(({ length }) => length))
  const { contextLength } = model.engine
  if (length <= contextLength) return rendered
  throw new ApiError('context_length_exceeded', {
    message:
      `The recording and the question have ${length} tokens with the longest label, ` +
      `and the context holds ${contextLength}. Send a shorter recording.`,
    param: 'audio',
  })
}
