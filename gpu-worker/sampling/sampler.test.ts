import { expect, test } from 'vitest'
import { GREEDY, type SamplingOptions } from './options.ts'
import { Sampler, SamplingState } from './sampler.ts'

const LOGITS = [2, 1, 0, -1]

function sampleMany(
  options: Partial<SamplingOptions>,
  count: number,
  logits = LOGITS,
  prompt: number[] = [],
) {
  const sampler = new Sampler(logits.length)
  const state = new SamplingState({ ...GREEDY, ...options }, prompt)
  return Array.from({ length: count }, () => sampler.sample(Float32Array.from(logits), state))
}

const ids = (tokens: readonly { id: number }[]) => tokens.map(token => token.id)

test('temperature 0 takes the likeliest, the first of equals', () => {
  expect(ids(sampleMany({}, 3))).toEqual([0, 0, 0])
  expect(ids(sampleMany({}, 1, [1, 3, 3]))).toEqual([1])
})

test('a seed replays, another one differs', () => {
  const draw = (seed: number) => ids(sampleMany({ temperature: 1, seed }, 40))
  expect(draw(1)).toEqual(draw(1))
  expect(draw(1)).not.toEqual(draw(2))
})

test('frequencies follow the softmax of logits over temperature', () => {
  const count = 20_000
  const drawn = ids(sampleMany({ temperature: 2, seed: 3 }, count))
  const weights = LOGITS.map(logit => Math.exp(logit / 2))
  const total = weights.reduce((sum, weight) => sum + weight, 0)
  weights.forEach((weight, id) => {
    const share = drawn.filter(other => other === id).length / count
    expect(share).toBeCloseTo(weight / total, 1.7)
  })
})

test('top-k 1 is greedy at any temperature', () => {
  expect(new Set(ids(sampleMany({ temperature: 5, topK: 1, seed: 1 }, 50)))).toEqual(new Set([0]))
})

test('one random number a token: filters that cut nothing change nothing', () => {
  const plain = ids(sampleMany({ temperature: 1, seed: 9 }, 60))
  expect(ids(sampleMany({ temperature: 1, topK: 4, seed: 9 }, 60))).toEqual(plain)
  expect(ids(sampleMany({ temperature: 1, topP: 0.9999999, seed: 9 }, 60))).toEqual(plain)
})

test('frequency penalty adds up, presence penalty does not', () => {
  // 0 leads by 1: said twice at 0.6 each it falls behind 1, which then falls behind 0 again...
  expect(ids(sampleMany({ frequencyPenalty: 0.6 }, 4))).toEqual([0, 0, 1, 0])
  expect(ids(sampleMany({ presencePenalty: 0.6 }, 4))).toEqual([0, 0, 0, 0])
  expect(ids(sampleMany({ presencePenalty: 1.1 }, 4))).toEqual([0, 1, 0, 0])
})

test('repetition penalty counts the prompt; ids outside of the vocabulary are left alone', () => {
  expect(ids(sampleMany({ repetitionPenalty: 3 }, 1, LOGITS, [0, 99]))).toEqual([1])
})

test('logit bias bans and forces', () => {
  expect(ids(sampleMany({ logitBias: new Map([[0, -100]]) }, 2))).toEqual([1, 1])
  expect(ids(sampleMany({ logitBias: new Map([[3, 100]]), frequencyPenalty: 2 }, 3))).toEqual([3, 3, 3])
})

test('log-probabilities are of the raw logits, whatever was done to them', () => {
  const total = Math.log(LOGITS.reduce((sum, logit) => sum + Math.exp(logit), 0))
  const options = { topLogprobs: 2, logitBias: new Map([[0, -100]]) }
  const [token] = sampleMany(options, 1)
  expect(token!.id).toBe(1)
  expect(token!.logprobs!.logprob).toBeCloseTo(1 - total, 6)
  expect(token!.logprobs!.top.map(top => top.id)).toEqual([0, 1])
  expect(token!.logprobs!.top[0]!.logprob).toBeCloseTo(2 - total, 6)
  expect(sampleMany({}, 1)[0]!.logprobs).toBeNull()
})
