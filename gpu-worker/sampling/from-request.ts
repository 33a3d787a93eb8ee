import type { ChatCompletionRequest } from '../../src/protocol/chat-completions.ts'
import type { GenerationDefaults } from '../model/chat-model.ts'
import type { SamplingOptions } from './options.ts'

/** What a request says of sampling; the pack's defaults where it says nothing. */
export function samplingOptions(
  request: ChatCompletionRequest,
  defaults: GenerationDefaults,
): SamplingOptions {
  const topK = request.top_k ?? defaults.topK
  return {
    temperature: request.temperature ?? defaults.temperature,
    topP: request.top_p ?? defaults.topP,
    topK: topK <= 0 ? null : topK,
    minP: request.min_p ?? 0,
    seed: request.seed ?? null,
    repetitionPenalty: request.repetition_penalty ?? defaults.repetitionPenalty,
    frequencyPenalty: request.frequency_penalty ?? 0,
    presencePenalty: request.presence_penalty ?? 0,
    logitBias: new Map(Object.entries(request.logit_bias ?? {}).map(([id, bias]) => [Number(id), bias])),
    topLogprobs: request.logprobs ? (request.top_logprobs ?? 0) : null,
  }
}
