/** From the events of a chat to OpenAI's two shapes: one object, or a stream of chunks. */
import type {
  ChatCompletion,
  ChatCompletionChunk,
  Logprobs,
  ServiceTier,
  Timings,
  TokenLogprob,
  Usage,
} from '../../src/protocol/chat-completions.ts'
import type { ChatEvent } from '../generate.ts'

/** What every chunk of an answer repeats. */
export interface CompletionIdentity {
  id: string
  /** Unix time in seconds. */
  created: number
  model: string
  /** Where the request named one. */
  service_tier?: ServiceTier
}

/** Collects a chat into the whole answer. */
export async function toChatCompletion(
  events: AsyncIterable<ChatEvent>,
  identity: CompletionIdentity,
  withLogprobs: boolean,
): Promise<ChatCompletion> {
  const texts: string[] = []
  const logprobs: TokenLogprob[][] = []
  const choices: ChatCompletion['choices'] = []
  let usage: Usage | undefined
  for await (const event of events) {
    if (event.type === 'start') continue
    if (event.type === 'usage') {
      usage = event.usage
      continue
    }
    const { choice } = event
    texts[choice] = (texts[choice] ?? '') + event.text
    logprobs[choice] = [...(logprobs[choice] ?? []), ...event.logprobs]
    if (event.type === 'finish') {
      choices[choice] = {
        index: choice,
        message: { role: 'assistant', content: texts[choice], refusal: null },
        logprobs: withLogprobs ? { content: logprobs[choice], refusal: null } : null,
        finish_reason: event.reason,
        ...(event.grounding && { grounding: event.grounding }),
      }
    }
  }
  return { ...identity, object: 'chat.completion', choices, usage: usage! }
}

/** The chunks of a streamed answer; the last one carries the usage where it was asked for, and what took how long. */
export async function* toChatCompletionChunks(
  events: AsyncIterable<ChatEvent>,
  identity: CompletionIdentity,
  options: { choices: number; withLogprobs: boolean; includeUsage: boolean; timings?: () => Timings },
): AsyncGenerator<ChatCompletionChunk> {
  const chunk = (
    choices: ChatCompletionChunk['choices'],
    usage: Usage | null = null,
  ): ChatCompletionChunk => ({
    ...identity,
    object: 'chat.completion.chunk',
    choices,
    ...(options.includeUsage ? { usage } : {}),
  })
  const logprobsOf = (event: { logprobs: TokenLogprob[] }): { logprobs?: Logprobs } =>
    options.withLogprobs ? { logprobs: { content: event.logprobs, refusal: null } } : {}

  for await (const event of events) {
    switch (event.type) {
      case 'start':
        for (let index = 0; index < options.choices; index++) {
          yield chunk([{ index, delta: { role: 'assistant', content: '' }, finish_reason: null }])
        }
        break
      case 'delta':
        yield chunk([
          { index: event.choice, delta: { content: event.text }, ...logprobsOf(event), finish_reason: null },
        ])
        break
      case 'finish':
        if (event.text !== '') {
          yield chunk([{ index: event.choice, delta: { content: event.text }, finish_reason: null }])
        }
        yield chunk([
          {
            index: event.choice,
            delta: {},
            finish_reason: event.reason,
            ...(event.grounding && { grounding: event.grounding }),
          },
        ])
        break
      case 'usage':
        if (options.includeUsage) yield chunk([], { ...event.usage, timings: options.timings?.() })
        break
    }
  }
}
