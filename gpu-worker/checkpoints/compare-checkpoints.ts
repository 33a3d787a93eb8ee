/** Two checkpoints of one pack: what each answers, and how likely both find each answer. */

import type { FinishReason, Usage } from '../../src/protocol/chat-completions.ts'
import type {
  CheckpointComparison,
  CheckpointComparisonAsked,
} from '../../src/protocol/checkpoint-comparisons.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { throwIfCancelled } from '../cancellation.ts'
import { type GenerateContext, generateChat, prepareChat } from '../generate.ts'
import { resolveModel } from '../resolve-model.ts'

type Compared = Pick<CheckpointComparison, 'answers' | 'reward_margin' | 'usage'>

interface Answer {
  readonly text: string
  readonly ids: readonly number[]
  readonly reason: FinishReason
  readonly usage: Usage
}

/**
 * Answers with both, then scores each answer behind both conversations: they are the same, but that each checkpoint
 * has its own ear for sounds.
 * @throws ApiError for everything that is the caller's to mend
 */
export async function compareCheckpoints(
  { chat, checkpoints, reference, beta }: CheckpointComparisonAsked,
  context: GenerateContext,
): Promise<Compared> {
  const requests = checkpoints.map(name => ({ ...chat, model: `${chat.model}:${name}` }))
  const models = requests.map(({ model }) => resolveModel(model, context.models))
  const { model } = models[0]!
  using _one = await model.holdCheckpoint(checkpoints[0])
  using _other = await model.holdCheckpoint(checkpoints[1])
  const answers: Answer[] = []
  for (const request of requests) answers.push(await answerOf(generateChat(request, context)))
  const totals: number[][] = []
  for (const request of requests) {
    const prepared = await prepareChat(request, context)
    const { prompt } = prepared.prompts[0]!
    const scores = model.engine.score({
      id: `${context.requestId}/${prepared.checkpoint}`,
      prompt,
      checkpoint: prepared.adapter,
      continuations: answers.map(({ ids }) => ids),
      tenant: context.tenant,
      priority: prepared.who.priority,
      signal: context.signal,
      ...(context.deadlineMs === null ? {} : { deadlineMs: context.deadlineMs }),
    })
    const asked = { model: model.pack.manifest.name, promptTokens: prompt.ids.length }
    try {
      const { logprobs } = await context.trace.scoring(scores, asked)
      totals.push(logprobs.map(tokens => tokens.reduce((sum, logprob) => sum + logprob, 0)))
    } catch (error) {
      throwIfCancelled(context.signal)
      throw error
    }
  }
  const rewardOf = (answer: number) => {
    if (reference === null) return null
    const at = checkpoints.indexOf(reference)
    return beta * (totals[1 - at]![answer]! - totals[at]![answer]!)
  }
  const rewards = answers.map((_, answer) => rewardOf(answer))
  return {
    answers: answers.map(({ text, ids, reason }, answer) => {
      const perToken = (total: number) => ({ total, per_token: total / ids.length })
      return {
        checkpoint: checkpoints[answer]!,
        message: { role: 'assistant', content: text },
        finish_reason: reason,
        tokens: ids.length,
        logprobs: checkpoints.map((checkpoint, by) => ({ checkpoint, ...perToken(totals[by]![answer]!) })),
        margin: perToken(totals[answer]![answer]! - totals[1 - answer]![answer]!),
        reward: rewards[answer]!,
      }
    }),
    reward_margin: reference === null ? null : marginOf(rewards, checkpoints.indexOf(reference)),
    usage: sumOf(answers.map(({ usage }) => usage)),
  }
}

/** The tuned checkpoint's reward less the reference's. */
function marginOf(rewards: readonly (number | null)[], reference: number): number {
  return rewards[1 - reference]! - rewards[reference]!
}

async function answerOf(events: ReturnType<typeof generateChat>): Promise<Answer> {
  let text = ''
  let ended: Pick<Answer, 'ids' | 'reason'> | null = null
  let usage: Usage | null = null
  for await (const event of events) {
    if (event.type === 'delta' || event.type === 'finish') text += event.text
    if (event.type === 'finish') ended = event
    if (event.type === 'usage') usage = event.usage
  }
  // An engine that was closed meanwhile ends without a token.
  if (ended === null || usage === null || ended.ids.length === 0) {
    throw new ApiError('worker_unavailable', { message: 'This worker is shutting down. Try again.' })
  }
  return { text, ids: ended.ids, reason: ended.reason, usage }
}

function sumOf(usages: readonly Usage[]): Usage {
  const sum = (count: (usage: Usage) => number) => usages.reduce((total, usage) => total + count(usage), 0)
  return {
    prompt_tokens: sum(usage => usage.prompt_tokens),
    completion_tokens: sum(usage => usage.completion_tokens),
    total_tokens: sum(usage => usage.total_tokens),
    prompt_tokens_details: {
      audio_tokens: sum(usage => usage.prompt_tokens_details.audio_tokens),
      cached_tokens: sum(usage => usage.prompt_tokens_details.cached_tokens),
    },
    audio: usages[0]!.audio,
  }
}
