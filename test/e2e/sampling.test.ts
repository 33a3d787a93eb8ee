/** Every sampling parameter over the wire, with the real weights: each does what its name says. */
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadTokenizer, type Tokenizer } from '../../gpu-worker/text/tokenizer.ts'
import { type RunningProcess, startWorker } from '../support/start-process.ts'

/** vLLM's extensions; the official client sends what it doesn't know as it is. */
interface Extensions {
  top_k?: number
  min_p?: number
  repetition_penalty?: number
}
type Options = Partial<OpenAI.ChatCompletionCreateParamsNonStreaming> & Extensions

let worker: RunningProcess
let client: OpenAI
let tokenizer: Tokenizer
let greedy: string
beforeAll(async () => {
  worker = await startWorker()
  client = new OpenAI({ baseURL: `${worker.baseUrl}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000 })
  tokenizer = await loadTokenizer('models/pocket/tokenizer.json')
  greedy = await answer({})
})
afterAll(() => worker.stop())

async function choices(options: Options) {
  const request = {
    model: 'pocket',
    max_tokens: 24,
    messages: [{ role: 'user' as const, content: 'Tell me about the sea, the sea and the sea.' }],
    ...options,
  }
  return (await client.chat.completions.create(request)).choices
}

async function answer(options: Options): Promise<string> {
  return (await choices(options))[0]!.message.content!
}

test('temperature 0 is the default, and greedy; a seed replays, others differ', async () => {
  expect(await answer({ temperature: 0, seed: 3 })).toBe(greedy)
  const drawn = await answer({ temperature: 1.5, seed: 3 })
  expect(await answer({ temperature: 1.5, seed: 3 })).toBe(drawn)
  expect(await answer({ temperature: 1.5, seed: 4 })).not.toBe(drawn)
})

test.each<[string, Options]>([
  ['top_k 1', { top_k: 1 }],
  ['top_p near 0', { top_p: 1e-6 }],
  ['min_p 1', { min_p: 1 }],
])('%s leaves the likeliest at any temperature', async (_, options) => {
  expect(await answer({ temperature: 2, seed: 1, ...options })).toBe(greedy)
  expect(await answer({ temperature: 2, seed: 1 })).not.toBe(greedy)
})

test.each<[string, Options]>([
  ['repetition_penalty', { repetition_penalty: 1.9 }],
  ['frequency_penalty', { frequency_penalty: 2 }],
  ['presence_penalty', { presence_penalty: 2 }],
])('%s: fewer words come again', async (_, options) => {
  const longer = { max_tokens: 60 }
  const distinct = (text: string) => new Set(text.toLowerCase().match(/\w+/g)).size
  expect(distinct(await answer({ ...longer, ...options }))).toBeGreaterThan(distinct(await answer(longer)))
})

test('logit_bias bans and forces', async () => {
  const [first] = tokenizer.encode(greedy)
  const banned = await choices({ logit_bias: { [first!]: -100 }, logprobs: true })
  expect(banned[0]!.logprobs!.content![0]!.token).not.toBe(tokenizer.decode([first!]))
  const [forced] = tokenizer.encode(' sea')
  expect(await answer({ logit_bias: { [forced!]: 100 }, max_tokens: 3 })).toBe(' sea sea sea')
})

test('logprobs: of each token, with its alternatives, before any of this', async () => {
  const options = { logprobs: true, top_logprobs: 5, logit_bias: { [tokenizer.encode(greedy)[0]!]: -100 } }
  const [{ logprobs, message }] = (await choices(options)) as [OpenAI.ChatCompletion.Choice]
  const tokens = logprobs!.content!
  expect(tokens.map(({ token }) => token).join('')).toBe(message.content)
  for (const { logprob, top_logprobs, bytes, token } of tokens) {
    expect(new TextDecoder().decode(Uint8Array.from(bytes!))).toBe(token)
    expect(top_logprobs).toHaveLength(5)
    expect(top_logprobs.map(top => top.logprob)).toEqual(
      top_logprobs.map(top => top.logprob).toSorted((a, b) => b - a),
    )
    expect(top_logprobs.reduce((sum, top) => sum + Math.exp(top.logprob), 0)).toBeLessThanOrEqual(1.0001)
    expect(logprob).toBeLessThanOrEqual(top_logprobs[0]!.logprob)
  }
  // The banned token is still the model's favourite.
  expect(tokens[0]!.top_logprobs[0]!.token).toBe(tokenizer.decode([tokenizer.encode(greedy)[0]!]))
})

describe('stop strings', () => {
  test('across the borders of tokens, at every place of the answer', async () => {
    for (const at of [3, 7, 20]) {
      const stop = greedy.slice(at, at + 6)
      const [choice] = await choices({ stop })
      expect(choice).toMatchObject({
        message: { content: greedy.slice(0, greedy.indexOf(stop)) },
        finish_reason: 'stop',
      })
    }
  })

  test('the first of several, and streamed without a letter of it', async () => {
    const stop = [greedy.slice(30, 35), greedy.slice(12, 17)]
    const whole = await answer({ stop })
    expect(whole).toBe(greedy.slice(0, Math.min(...stop.map(text => greedy.indexOf(text)))))
    const stream = await client.chat.completions.create({
      model: 'pocket',
      max_tokens: 24,
      stream: true,
      stop,
      messages: [{ role: 'user', content: 'Tell me about the sea, the sea and the sea.' }],
    })
    let streamed = ''
    for await (const chunk of stream) streamed += chunk.choices[0]?.delta.content ?? ''
    expect(streamed).toBe(whole)
  })
})

test('n choices are those of the seeds that follow one another', async () => {
  const several = await choices({ n: 3, seed: 10, temperature: 1 })
  for (const [index, { message }] of several.entries()) {
    expect(message.content).toBe(await answer({ seed: 10 + index, temperature: 1 }))
  }
})
