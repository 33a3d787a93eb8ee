import { describe, expect, it } from 'vitest'
import { ChatCompletion, ChatCompletionChunk, type Usage } from '../../src/protocol/chat-completions.ts'
import type { ChatEvent } from '../generate.ts'
import { toChatCompletion, toChatCompletionChunks } from './chat-completion.ts'

const identity = { id: 'chatcmpl-1', created: 1, model: 'pocket' }
const usage: Usage = {
  prompt_tokens: 3,
  completion_tokens: 2,
  total_tokens: 5,
  prompt_tokens_details: { audio_tokens: 1, cached_tokens: 0 },
  audio: [
    {
      index: 0,
      audio_id: 'a'.repeat(64),
      seconds_received: 1,
      seconds_encoded: 1,
      ranges: [{ start: 0, end: 1 }],
    },
  ],
}
const logprob = (token: string) => ({ token, bytes: [65], logprob: -0.5, top_logprobs: [] })

const grounding = { tokens: 2, logprob: -1, logprob_without_audio: -4, gain: 3, gain_per_token: 1.5 }

async function* events(): AsyncGenerator<ChatEvent> {
  yield { type: 'start', model: 'pocket', audioSeconds: 0 }
  yield { type: 'delta', choice: 1, text: 'B', logprobs: [logprob('B')] }
  yield { type: 'delta', choice: 0, text: 'A', logprobs: [logprob('A')] }
  yield { type: 'finish', choice: 0, reason: 'stop', text: '!', logprobs: [], ids: [1, 2], grounding }
  yield { type: 'finish', choice: 1, reason: 'length', text: '', logprobs: [], ids: [3], grounding: null }
  yield { type: 'usage', usage }
}

describe('the whole answer', () => {
  it('puts each choice together and validates', async () => {
    const completion = ChatCompletion.parse(await toChatCompletion(events(), identity, true))
    expect(completion.choices.map(({ message }) => message.content)).toEqual(['A!', 'B'])
    expect(completion.choices.map(choice => choice.finish_reason)).toEqual(['stop', 'length'])
    expect(completion.choices[0]?.logprobs?.content).toHaveLength(1)
    expect(completion.choices.map(choice => choice.grounding)).toEqual([grounding, undefined])
    expect(completion.usage).toEqual(usage)
  })
})

describe('chunks', () => {
  const collect = (includeUsage: boolean) =>
    Array.fromAsync(
      toChatCompletionChunks(events(), identity, { choices: 2, withLogprobs: false, includeUsage }),
    )

  it('open every choice with its role, and close it with its reason', async () => {
    const chunks = (await collect(false)).map(chunk => ChatCompletionChunk.parse(chunk))
    expect(chunks.slice(0, 2).map(({ choices }) => choices[0]?.delta.role)).toEqual([
      'assistant',
      'assistant',
    ])
    const text = (index: number) =>
      chunks
        .flatMap(({ choices }) => choices)
        .reduce((all, c) => (c.index === index ? all + (c.delta.content ?? '') : all), '')
    expect([text(0), text(1)]).toEqual(['A!', 'B'])
    const reasons = chunks.flatMap(({ choices }) => choices).map(choice => choice.finish_reason)
    expect(reasons.filter(Boolean)).toEqual(['stop', 'length'])
    expect(chunks.every(chunk => !('usage' in chunk))).toBe(true)
  })

  it('end with the usage where it was asked for, null before', async () => {
    const chunks = await collect(true)
    expect(chunks.at(-1)).toMatchObject({ choices: [], usage })
    expect(chunks.slice(0, -1).every(chunk => chunk.usage === null)).toBe(true)
  })
})
