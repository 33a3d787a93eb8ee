// What the worker scores instead of writing: labels, answers behind silence, answers of other checkpoints.
import { describe, expect, it } from 'vitest'
import { ChatCompletion, type ChatCompletionChunk } from '../src/protocol/chat-completions.ts'
import { CheckpointComparison } from '../src/protocol/checkpoint-comparisons.ts'
import { Classification } from '../src/protocol/classifications.ts'
import { defaultLimits } from '../src/protocol/limits.ts'
import { doneData, ServerSentEventParser } from '../src/protocol/sse.ts'
import { silentWav } from '../test/support/wav.ts'
import { type FakeChatModel, fakeChatModel } from './fake-chat-model.ts'
import { createWorkerApp, type WorkerState } from './server.ts'

function appWith(model: FakeChatModel, status: WorkerState['status'] = 'ready') {
  return createWorkerApp(
    { status, models: new Map([['fake', model]]), speechModels: new Map() },
    defaultLimits,
  )
}

const post = (app: ReturnType<typeof appWith>, path: string, body: object) =>
  app.request(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake', ...body }),
  })

describe('grounding', () => {
  const asked = async (fields: object = {}) => ({
    messages: [
      {
        role: 'user',
        content: [{ type: 'input_audio', input_audio: { data: await silentWav(0.1) } }],
      },
    ],
    grounding: true,
    ...fields,
  })
  const ids = [...'Hi'].map(letter => letter.charCodeAt(0))
  const ended = [...ids, 999]

  it('holds all tokens of an answer, its end included, against silence of the same length', async () => {
    const model = fakeChatModel('Hi')
    const { choices } = ChatCompletion.parse(
      await (await post(appWith(model), '/v1/chat/completions', await asked())).json(),
    )
    const without = ended.reduce((sum, id) => sum - id / 256, 0)
    expect(choices[0]!.grounding).toEqual({
      tokens: 3,
      logprob: -0.75,
      logprob_without_audio: without,
      gain: -0.75 - without,
      gain_per_token: (-0.75 - without) / 3,
    })
    // Nobody asked for those.
    expect(choices[0]!.logprobs).toBeNull()
    expect([model.scored, model.heard]).toEqual([[[ended]], [1600, 1600]])
  })

  it('comes with the chunk that ends a choice', async () => {
    const asking = await asked({ stream: true, n: 2 })
    const response = await post(appWith(fakeChatModel('Hi')), '/v1/chat/completions', asking)
    const data = new ServerSentEventParser().push(new Uint8Array(await response.arrayBuffer()))
    const chunks = data.filter(event => event.data !== doneData).map(event => JSON.parse(event.data))
    const choices = (chunks as ChatCompletionChunk[]).flatMap(chunk => chunk.choices)
    const grounded = choices.filter(choice => choice.grounding !== undefined)
    expect(grounded.map(({ index, finish_reason: reason }) => [index, reason]).toSorted()).toEqual([
      [0, 'stop'],
      [1, 'stop'],
    ])
  })
})

describe('checkpoints', () => {
  it('are compared: each answer under both, and a reward where one is the reference', async () => {
    const model = fakeChatModel('Hi')
    const response = await post(appWith(model), '/v1/checkpoints/compare', {
      messages: [{ role: 'user', content: 'Hello' }],
      checkpoints: ['dpo', 'sft'],
      reference: 'sft',
    })
    const compared = CheckpointComparison.parse(await response.json())
    expect(compared).toMatchObject({ model: 'fake', reference: 'sft', beta: 0.1, reward_margin: 0 })
    expect(compared.answers.map(({ checkpoint, tokens }) => [checkpoint, tokens])).toEqual([
      ['dpo', 3],
      ['sft', 3],
    ])
    expect(model.scored).toHaveLength(2)
    expect(model.scored[0]).toHaveLength(2)
  })
})

describe('classifications', () => {
  const audio = async (seconds: number) => ({
    type: 'input_audio',
    input_audio: { data: await silentWav(seconds) },
  })
  const classify = (app: ReturnType<typeof appWith>, body: object) =>
    post(app, '/v1/audio/classifications', body)

  it('what silence and noise make of a label is computed once', async () => {
    const model = fakeChatModel('')
    const app = appWith(model)
    const ask = async (seconds: number, labels: string[]) =>
      Classification.parse(await (await classify(app, { audio: await audio(seconds), labels })).json())
    await ask(0.1, ['b', 'a'])
    expect(model.scored).toHaveLength(4)
    // A label is the whole answer, its end included.
    expect(model.scored[0]!.slice(0, 2)).toEqual([
      ['b'.charCodeAt(0), 999],
      ['a'.charCodeAt(0), 999],
    ])
    await ask(0.2, ['a', 'b'])
    expect(model.scored).toHaveLength(5)
    await ask(0.2, ['a', 'c'])
    expect(model.scored).toHaveLength(9)
    // Three seconds of silence, of noise, and of quiet noise.
    expect(model.heard).toEqual([1600, 48_000, 48_000, 48_000, 3200])
  })

  it('a recording that leaves no room for the labels is refused with the numbers', async () => {
    const model = fakeChatModel('')
    const labels = ['a'.repeat(100), 'b']
    const response = await classify(appWith(model), {
      audio: await audio(0.1),
      labels,
      prompt: 'x'.repeat(150),
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: {
        code: 'context_length_exceeded',
        param: 'audio',
        message: expect.stringMatching(/252 tokens/),
      },
    })
  })

  it('is refused while the worker loads', async () => {
    const response = await classify(appWith(fakeChatModel(''), 'loading'), { labels: ['a', 'b'] })
    expect(response.status).toBe(503)
  })
})
