/** `POST /v1/checkpoints/compare`: two checkpoints of one pack answer the same conversation. Ours. */
import * as z from 'zod'
import { ChatCompletionRequest, FinishReason, Usage } from './chat-completions.ts'
import { ApiError } from './errors.ts'
import type { Limits } from './limits.ts'
import { parseChatCompletionRequest } from './parse-chat-completion.ts'
import { toValidationError } from './validation.ts'

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform(value => value ?? undefined)
const checkpointName = z.string().min(1).max(256)

/** What is asked beside the conversation. */
const Compared = z.strictObject({
  /** Two of the model's `checkpoints`, as `GET /v1/models` lists them. */
  checkpoints: z
    .tuple([checkpointName, checkpointName])
    .refine(([one, other]) => one !== other, 'expected two that are not the same'),
  /** The one of them that the other was tuned against: then the reward that DPO implies is given as well. */
  reference: optional(checkpointName),
  /** Of that reward: r = beta (log p - log p of the reference). */
  beta: optional(z.number().gt(0).max(10)),
})

/** The fields of a chat that a comparison has as well; `model` names the pack alone. */
export const CheckpointComparisonRequest = ChatCompletionRequest.omit({
  stream: true,
  stream_options: true,
  n: true,
  logprobs: true,
  top_logprobs: true,
  long_audio: true,
  grounding: true,
}).extend(Compared.shape)
/** A request, read: the conversation, and what is to be compared. */
export interface CheckpointComparisonAsked {
  chat: ChatCompletionRequest
  checkpoints: readonly [string, string]
  reference: string | null
  beta: number
}

/** DPO's, where the request doesn't say it (Rafailov et al. 2023). */
const defaultBeta = 0.1

/** How likely an answer is, natural logarithms: of all its tokens, and of one in the mean. */
export const AnswerLogprob = z.object({ total: z.number(), per_token: z.number() })

/** What one checkpoint answers, and how likely both find it. */
export const ComparedAnswer = z.object({
  checkpoint: z.string(),
  message: z.object({ role: z.literal('assistant'), content: z.string() }),
  finish_reason: FinishReason,
  /** Of the answer, the one that ended it included. */
  tokens: z.int().min(0),
  /** In the order of the request's `checkpoints`. */
  logprobs: z.array(AnswerLogprob.extend({ checkpoint: z.string() })),
  /** How much likelier it is for the checkpoint that gave it than for the other. */
  margin: AnswerLogprob,
  /** The reward that DPO implies: beta times how much likelier it is for the tuned checkpoint than for the reference. */
  reward: z.number().nullable(),
})

/** The answer. */
export const CheckpointComparison = z.object({
  id: z.string(),
  object: z.literal('checkpoint.comparison'),
  /** Unix time in seconds. */
  created: z.int(),
  model: z.string(),
  reference: z.string().nullable(),
  beta: z.number(),
  /** In the order of the request's `checkpoints`. */
  answers: z.array(ComparedAnswer),
  /** The tuned checkpoint's answer's reward less that of the reference's answer; null without a reference. */
  reward_margin: z.number().nullable(),
  /** Of both answers together; the audio as it was heard once. */
  usage: Usage,
})
export type CheckpointComparison = z.infer<typeof CheckpointComparison>

/** @throws ApiError as parseChatCompletionRequest */
export function parseCheckpointComparison(body: unknown, limits: Limits): CheckpointComparisonAsked {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new ApiError('invalid_request', {
      message: 'The body must be a JSON object with model, messages and checkpoints.',
    })
  }
  const { checkpoints, reference, beta, ...rest } = body as Record<string, unknown>
  const chat = parseChatCompletionRequest(rest, limits)
  const parsed = Compared.safeParse({ checkpoints, reference, beta })
  if (!parsed.success) throw toValidationError(parsed.error, Object.keys(Compared.shape))
  for (const name of ['stream', 'n', 'logprobs', 'long_audio', 'grounding'] as const) {
    if ([undefined, false, 1, 'error'].includes(chat[name])) continue
    const message = `Unsupported '${name}': two answers are compared, each whole. Leave it out.`
    throw new ApiError('unsupported_parameter', { message, param: name })
  }
  const compared = parsed.data
  if (compared.reference !== undefined && !compared.checkpoints.includes(compared.reference)) {
    const message = `Invalid reference: expected one of the checkpoints, ${compared.checkpoints.join(' or ')}.`
    throw new ApiError('invalid_request', { message, param: 'reference' })
  }
  if (chat.model.includes(':')) {
    const message = 'Invalid model: name the pack alone, and its checkpoints in checkpoints.'
    throw new ApiError('invalid_request', { message, param: 'model' })
  }
  return {
    chat,
    checkpoints: compared.checkpoints,
    reference: compared.reference ?? null,
    beta: compared.beta ?? defaultBeta,
  }
}
