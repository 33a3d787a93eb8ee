/** Two checkpoints in one worker: asked by turns, compared; and how much of an answer comes from the audio. */
import { readFile } from 'node:fs/promises'
import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { ChatCompletion, type ChatCompletionRequest } from '../../src/protocol/chat-completions.ts'
import { CheckpointComparison } from '../../src/protocol/checkpoint-comparisons.ts'
import { ErrorBody } from '../../src/protocol/errors.ts'
import { type PacksWithTwo, packsWithSecondCheckpoint } from '../support/second-checkpoint.ts'
import { startWorker } from '../support/start-process.ts'
import { edgeOnNode } from './edges.ts'
import { countingClient, type Target } from './openai-client-suite.ts'

let packs: PacksWithTwo
let target: Target
let data: string

beforeAll(async () => {
  packs = await packsWithSecondCheckpoint()
  // One at a time: each is unloaded when the other is asked for.
  const worker = await startWorker({ AURICLE_MODELS: packs.folder, AURICLE_CHECKPOINTS: '1' })
  data = await readFile(new URL('../fixtures/spoken-messages/03.opus', import.meta.url), 'base64')
  target = await edgeOnNode(worker.baseUrl, [worker])
})
afterAll(async () => {
  await target?.stop()
  await packs?.remove()
})

const about = (text: string): ChatCompletionRequest['messages'] => [
  {
    role: 'user',
    content: [
      { type: 'input_audio', input_audio: { data } },
      { type: 'text', text },
    ],
  },
]
const post = async (path: string, body: object) => {
  const response = await fetch(new URL(path, target.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  return { status: response.status, body: (await response.json()) as unknown }
}
const ask = async (fields: object) => {
  const { status, body } = await post('/v1/chat/completions', { max_tokens: 24, ...fields })
  expect(status).toBe(200)
  return ChatCompletion.parse(body)
}

describe('checkpoints of one pack', () => {
  test('answer by turns and at once, each as it does alone', async () => {
    const messages = about('Transcribe the audio.')
    const models = [`pocket:${packs.committed}`, 'pocket:other']
    const asked = (model: string) => ask({ model, messages, logprobs: true })
    const alone: ChatCompletion[] = []
    for (const model of models) alone.push(await asked(model))
    const logprobs = alone.map(({ choices }) => choices[0]!.logprobs)
    expect(logprobs[0]).not.toEqual(logprobs[1])
    const again = await Promise.all([...models, ...models].map(asked))
    expect(again.map(({ choices }) => choices[0]!.logprobs)).toEqual([...logprobs, ...logprobs])
    // What was heard serves both.
    expect(again[1]!.usage.audio[0]!.audio_id).toBe(alone[0]!.usage.audio[0]!.audio_id)
  })

  test('are compared: both answers, how likely both find each, and the reward that DPO implies', async () => {
    const checkpoints = ['other', packs.committed]
    const messages = about('What is this message about?')
    const fields = { checkpoints, reference: packs.committed, beta: 0.2, max_tokens: 24 }
    const { status, body } = await post('/v1/checkpoints/compare', { model: 'pocket', messages, ...fields })
    expect(status).toBe(200)
    const { answers, reward_margin, usage } = CheckpointComparison.parse(body)
    const texts: string[] = []
    for (const [index, name] of checkpoints.entries()) {
      const chat = await ask({ model: `pocket:${name}`, messages, logprobs: true })
      const answer = answers[index]!
      texts.push(answer.message.content)
      expect(answer).toMatchObject({
        checkpoint: name,
        message: { content: chat.choices[0]!.message.content },
      })
      // The answer is as likely under its own checkpoint as when it was generated (but for the token that ends it).
      const own = answer.logprobs[index]!
      const generated = chat.choices[0]!.logprobs!.content!
      const total = generated.reduce((sum, { logprob }) => sum + logprob, 0)
      if (answer.tokens === generated.length) expect(own.total).toBeCloseTo(total, 5)
      else expect(own.total).toBeLessThan(total)
      expect(answer.margin.total).toBeCloseTo(own.total - answer.logprobs[1 - index]!.total, 9)
      expect(answer.margin.per_token).toBeCloseTo(answer.margin.total / answer.tokens, 9)
      // Greedy, so nobody finds an answer likelier than a greedy one of its own of the same length by much.
      expect(answer.reward).toBeCloseTo(0.2 * (answer.logprobs[0]!.total - answer.logprobs[1]!.total), 9)
    }
    expect(reward_margin).toBeCloseTo(answers[0]!.reward! - answers[1]!.reward!, 9)
    expect(usage.completion_tokens).toBe(answers[0]!.tokens + answers[1]!.tokens)
    expect(usage.audio).toHaveLength(1)
  })

  test.each([
    ['one checkpoint', { checkpoints: ['other'] }, 400, 'checkpoints'],
    ['the same twice', { checkpoints: ['other', 'other'] }, 400, 'checkpoints'],
    ['one that is not there', { checkpoints: ['other', 'none'] }, 404, 'model'],
    ['a reference that is neither', { checkpoints: ['other', 'sft'], reference: 'dpo' }, 400, 'reference'],
    ['a stream', { checkpoints: ['other', 'sft'], stream: true }, 400, 'stream'],
    ['a checkpoint for the model', { checkpoints: ['other', 'sft'], model: 'pocket:sft' }, 400, 'model'],
  ])('%s is refused by name', async (_, fields, status, param) => {
    const answer = await post('/v1/checkpoints/compare', {
      model: 'pocket',
      messages: about('Hi'),
      ...fields,
    })
    expect(answer.status).toBe(status)
    expect(ErrorBody.parse(answer.body).error.param).toBe(param)
  })
})

describe('grounding', () => {
  test('a transcript comes from the audio, and a fact that is known anyway does not', async () => {
    const transcript = await ask({
      model: 'pocket',
      messages: about('Transcribe the audio.'),
      grounding: true,
      logprobs: true,
    })
    const heard = transcript.choices[0]!.grounding!
    const generated = transcript.choices[0]!.logprobs!.content!.reduce((sum, { logprob }) => sum + logprob, 0)
    expect(heard.logprob).toBeLessThanOrEqual(generated + 1e-9)
    expect(heard.gain).toBeCloseTo(heard.logprob - heard.logprob_without_audio, 9)
    expect(heard.gain_per_token).toBeCloseTo(heard.gain / heard.tokens, 9)
    expect(heard.gain_per_token).toBeGreaterThan(1)
    const known = await ask({
      model: 'pocket',
      messages: about('What is the capital of France?'),
      grounding: true,
    })
    expect(known.choices[0]!.grounding!.gain_per_token).toBeLessThan(heard.gain_per_token / 2)
  })

  test('a stream says the same with the last chunk of the answer', async () => {
    const asked = { model: 'pocket', messages: about('Transcribe the audio.'), max_tokens: 24 }
    const whole = await ask({ ...asked, grounding: true })
    const { client } = countingClient(target.url)
    const stream = await client.chat.completions.create({
      ...(asked as OpenAI.ChatCompletionCreateParamsNonStreaming),
      ...{ grounding: true },
      stream: true,
    })
    const choices = (await Array.fromAsync(stream)).flatMap(chunk => chunk.choices)
    const last = choices.filter(choice => 'grounding' in choice)
    expect(last).toMatchObject([
      { finish_reason: whole.choices[0]!.finish_reason, grounding: whole.choices[0]!.grounding },
    ])
  })

  test('without audio there is nothing to say', async () => {
    const messages = [{ role: 'user', content: 'Hello' }]
    const { status, body } = await post('/v1/chat/completions', {
      model: 'pocket',
      messages,
      grounding: true,
    })
    expect([status, ErrorBody.parse(body).error.param]).toEqual([400, 'grounding'])
  })
})
