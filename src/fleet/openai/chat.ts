/** A chat request in the words of vLLM, and its answers in ours. What it can't do is refused by name. */
import type {
  AudioCoverage,
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  FinishReason,
  Logprobs,
  Message,
  ServiceTier,
  TokenLogprob,
  Usage,
} from '../../protocol/chat-completions.ts'
import { ApiError } from '../../protocol/errors.ts'
import { workerFailed } from '../failures.ts'
import { type AudioContext, toUpstreamAudio, type UpstreamAudioPart } from './audio-parts.ts'
import { countOf, type Json, listOf, objectOf, stringOf } from './json.ts'

/** What an answer is made ours with. */
export interface AnswerContext {
  /** Our name of the model. */
  model: string
  audio: readonly AudioCoverage[]
  serviceTier: ServiceTier | undefined
}

/** Fields that mean the same there, by their name here. What isn't on it has no effect, or is refused. */
const sameThere = [
  'stream',
  'max_completion_tokens',
  'max_tokens',
  'temperature',
  'top_p',
  'seed',
  'stop',
  'n',
  'logprobs',
  'top_logprobs',
  'frequency_penalty',
  'presence_penalty',
  'logit_bias',
  'response_format',
  'top_k',
  'min_p',
  'repetition_penalty',
] as const satisfies readonly (keyof ChatCompletionRequest)[]

/** Fields of ours that need our own worker. */
const onlyHere = ['ngram_model', 'ngram_weight', 'word_bonus', 'hotwords', 'grounding'] as const

/** vLLM's priorities: the lower, the earlier. */
const priorities: Readonly<Record<string, number>> = { priority: -1, flex: 1 }

/**
 * @returns the body for the server, and what its answer is made ours with
 * @throws ApiError unsupported_parameter, and what `toUpstreamAudio` throws
 */
export async function toUpstreamChat(
  request: ChatCompletionRequest,
  context: AudioContext,
): Promise<{ body: Json; answer: AnswerContext }> {
  const { openai } = context
  refuse(request, context)
  const audio: AudioCoverage[] = []
  const messages: Json[] = []
  for (const [index, message] of request.messages.entries()) {
    messages.push(await toMessage(message, `messages[${index}]`, audio, context))
  }
  const priority = openai.priorities ? priorities[request.service_tier ?? ''] : undefined
  const body = {
    model: openai.models[request.model] ?? request.model,
    messages,
    ...Object.fromEntries(
      sameThere.flatMap(name => (request[name] === undefined ? [] : [[name, request[name]]])),
    ),
    ...(request.stream_options?.include_usage && { stream_options: { include_usage: true } }),
    ...(priority !== undefined && { priority }),
    // Its cache of prefixes is shared by all who have the same salt: how fast an answer comes tells nobody else's words.
    cache_salt: context.request.tenant,
  }
  const tier = request.service_tier
  const serviceTier = tier === 'auto' ? 'default' : tier
  return { body, answer: { model: request.model, audio, serviceTier } }
}

/** A whole answer. @throws ApiError worker_failed for one that isn't an answer */
export function toChatCompletion(value: Json | null, context: AnswerContext): ChatCompletion {
  const choices = listOf(value?.['choices']).map(objectOf)
  const usage = objectOf(value?.['usage'])
  if (value === null || choices.length === 0 || usage === null) throw unreadable()
  return {
    ...headOf(value, context),
    object: 'chat.completion',
    choices: choices.map((choice, index) => ({
      index: countOf(choice?.['index'] ?? index),
      message: {
        role: 'assistant',
        content: stringOf(objectOf(choice?.['message'])?.['content']) ?? '',
        refusal: null,
      },
      logprobs: toLogprobs(choice?.['logprobs']),
      finish_reason: toFinishReason(choice?.['finish_reason']) ?? 'stop',
    })),
    usage: toUsage(usage, context),
  }
}

/** One event of a streamed answer. @throws ApiError worker_failed for one that isn't */
export function toChunk(value: Json, context: AnswerContext): ChatCompletionChunk {
  const usage = objectOf(value['usage'])
  if (!Array.isArray(value['choices'])) throw unreadable()
  return {
    ...headOf(value, context),
    object: 'chat.completion.chunk',
    choices: listOf(value['choices']).map(each => {
      const choice = objectOf(each)
      const delta = objectOf(choice?.['delta'])
      const content = stringOf(delta?.['content'])
      const logprobs = toLogprobs(choice?.['logprobs'])
      return {
        index: countOf(choice?.['index']),
        delta: {
          ...(delta?.['role'] !== undefined && { role: 'assistant' as const }),
          ...(content !== null && { content }),
        },
        ...(logprobs !== null && { logprobs }),
        finish_reason: toFinishReason(choice?.['finish_reason']),
      }
    }),
    ...(usage !== null && { usage: toUsage(usage, context) }),
  }
}

function refuse(request: ChatCompletionRequest, { openai }: AudioContext): void {
  const { model, service_tier: tier } = request
  const name = onlyHere.find(each => request[each] !== undefined && request[each] !== false)
  if (name !== undefined) throw unsupported(name, model, 'it is done by Auricle’s own worker')
  if (request.long_audio === 'chunk') {
    throw unsupported('long_audio', model, `send audio of at most ${openai.maxAudioSeconds} s, part by part`)
  }
  if ((tier === 'flex' || tier === 'priority') && !openai.priorities) {
    throw unsupported('service_tier', model, 'all requests take the same turn there')
  }
}

/** @throws ApiError unsupported_parameter */
function unsupported(param: string, model: string, reason: string): ApiError {
  return new ApiError('unsupported_parameter', {
    message: `Unsupported '${param}' with ${model}, which runs on another server: ${reason}. Leave it out.`,
    param,
  })
}

async function toMessage(
  message: Message,
  path: string,
  audio: AudioCoverage[],
  context: AudioContext,
): Promise<Json> {
  // Chat templates know the old name only.
  const role = message.role === 'developer' ? 'system' : message.role
  if (typeof message.content === 'string') return { role, content: message.content }
  const parts: (Json | UpstreamAudioPart)[] = []
  for (const [at, part] of message.content.entries()) {
    if (part.type === 'text') {
      parts.push({ type: 'text', text: part.text })
      continue
    }
    const { part: sent, coverage } = await toUpstreamAudio(
      part,
      audio.length,
      `${path}.content[${at}]`,
      context,
    )
    audio.push(coverage)
    parts.push(sent)
  }
  return { role, content: parts }
}

function headOf(value: Json, { model, serviceTier }: AnswerContext) {
  const fingerprint = stringOf(value['system_fingerprint'])
  return {
    id: stringOf(value['id']) ?? 'chatcmpl',
    created: countOf(value['created']),
    model,
    ...(serviceTier !== undefined && { service_tier: serviceTier }),
    ...(fingerprint !== null && { system_fingerprint: fingerprint }),
  }
}

/** How many tokens stand for audio, and how many were cached, is told where vLLM runs with --enable-prompt-tokens-details. */
function toUsage(usage: Json, { audio }: AnswerContext): Usage {
  const details = objectOf(usage['prompt_tokens_details'])
  const audioTokens = objectOf(details?.['multimodal_tokens'])?.['audio'] ?? details?.['audio_tokens']
  return {
    prompt_tokens: countOf(usage['prompt_tokens']),
    completion_tokens: countOf(usage['completion_tokens']),
    total_tokens: countOf(usage['total_tokens']),
    prompt_tokens_details: {
      audio_tokens: countOf(audioTokens),
      cached_tokens: countOf(details?.['cached_tokens']),
    },
    audio: [...audio],
  }
}

function toLogprobs(value: unknown): Logprobs | null {
  const content = objectOf(value)?.['content']
  return Array.isArray(content) ? { content: content as TokenLogprob[], refusal: null } : null
}

/** @throws ApiError worker_failed for an answer that was broken off */
function toFinishReason(value: unknown): FinishReason | null {
  if (value === null || value === undefined) return null
  if (value === 'stop' || value === 'length') return value
  throw workerFailed(`The upstream ended its answer with '${String(value).slice(0, 32)}'.`)
}

function unreadable(): ApiError {
  return workerFailed('The upstream gave no readable answer.')
}
