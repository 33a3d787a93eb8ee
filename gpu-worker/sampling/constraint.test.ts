import fc from 'fast-check'
import { expect, test } from 'vitest'
import { applyMask, type TokenConstraint } from './constraint.ts'
import { GREEDY, type SamplingOptions } from './options.ts'
import { Sampler, SamplingState } from './sampler.ts'

test('leaves the allowed tokens as they are, and the others no chance', () => {
  const length = fc.integer({ min: 1, max: 200 })
  fc.assert(
    fc.property(
      length,
      fc.array(fc.integer({ min: 0, max: 0xffff_ffff }), { maxLength: 9 }),
      (size, words) => {
        const logits = Float32Array.from({ length: size }, (_, id) => id)
        applyMask(logits, Uint32Array.from(words))
        const allowed = (id: number) => (((words[id >>> 5] ?? 0) >>> (id & 31)) & 1) === 1
        expect([...logits]).toEqual(Array.from({ length: size }, (_, id) => (allowed(id) ? id : -Infinity)))
      },
    ),
  )
})

/** Allows a token, then the one after it, and so on. */
function ascending(first: number): TokenConstraint & { accepted: number[] } {
  const accepted: number[] = []
  return {
    accepted,
    mask: () => Uint32Array.of((1 << (first + accepted.length)) >>> 0),
    accept: id => accepted.push(id),
    release() {},
  }
}

const sample = (options: Partial<SamplingOptions>, constraint: TokenConstraint) => {
  const sampler = new Sampler(8)
  const state = new SamplingState({ ...GREEDY, ...options }, [], constraint)
  return [1, 2, 3].map(() => sampler.sample(Float32Array.of(9, 8, 7, 6, 5, 4, 3, 2), state))
}

test.each<[string, Partial<SamplingOptions>]>([
  ['greedy', {}],
  ['drawn', { temperature: 2, topP: 0.1, minP: 0.5, topK: 1, seed: 3 }],
  ['another token is forced by a bias', { logitBias: new Map([[0, 100]]) }],
  ['the token is banned by a bias', { logitBias: new Map([[4, -100]]), temperature: 1 }],
])('the choice obeys, and the state follows: %s', (_, options) => {
  const constraint = ascending(4)
  expect(sample(options, constraint).map(({ id }) => id)).toEqual([4, 5, 6])
  expect(constraint.accepted).toEqual([4, 5, 6])
})

test('log-probabilities are of the logits before the mask', () => {
  const [token] = sample({ topLogprobs: 1 }, ascending(4))
  expect(token!.logprobs!.top[0]!.id).toBe(0)
  expect(token!.logprobs!.top[0]!.logprob - token!.logprobs!.logprob).toBeCloseTo(4, 5)
})
