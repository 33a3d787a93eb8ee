import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type CandidateFilters, Candidates } from './candidates.ts'
import { logprobsOf } from './logprobs.ts'
import { NEGLIGIBLE_NATS } from './negative-exp.ts'
import { GREEDY } from './options.ts'
import { applyPenalties } from './penalties.ts'

interface Golden extends CandidateFilters {
  logits: number[]
  history: number[]
  repetitionPenalty: number
  ids: number[]
  probabilities: number[]
  logprobs: number[]
}

const goldens: Golden[] = JSON.parse(
  readFileSync(new URL('./fixtures/goldens.json', import.meta.url), 'utf8'),
)
const OFF: CandidateFilters = { temperature: 1, topK: null, topP: 1, minP: 0 }

function select(logits: Float32Array, filters: CandidateFilters): { ids: number[]; probabilities: number[] } {
  const candidates = new Candidates(logits.length)
  candidates.select(logits, filters)
  const odds = Array.from(candidates.odds.subarray(0, candidates.count))
  const total = odds.reduce((sum, value) => sum + value, 0)
  return {
    ids: Array.from(candidates.ids.subarray(0, candidates.count)),
    probabilities: odds.map(value => value / total),
  }
}

describe('against transformers', () => {
  test.each(goldens.map((golden, index) => [index, golden] as const))('golden %i', (_, golden) => {
    const logits = Float32Array.from(golden.logits)
    golden.logprobs.forEach((logprob, id) => {
      expect(logprobsOf(logits, id, 0).logprob).toBeCloseTo(logprob, 5)
    })
    const history = { seen: new Set(golden.history), counts: new Map() }
    applyPenalties(logits, history, { ...GREEDY, repetitionPenalty: golden.repetitionPenalty })
    const { ids, probabilities } = select(logits, golden)
    // What transformers keeps though it will never be drawn.
    const negligible = Math.max(...golden.probabilities) * Math.exp(-NEGLIGIBLE_NATS)
    const drawable = golden.probabilities.filter(value => value > negligible)
    expect(ids).toEqual(golden.ids.filter((_, index) => golden.probabilities[index]! > negligible))
    drawable.forEach((value, index) => {
      expect(probabilities[index]).toBeCloseTo(value, 5)
    })
  })
})

// Within what isn't negligible, in thousandths: differences that the subtraction of the maximum can't round away.
const logitsArbitrary = fc
  .array(fc.integer({ min: -19_000, max: 19_000 }), { minLength: 1, maxLength: 300 })
  .map(values => Float32Array.from(values, value => value / 1000))

test('top-k keeps the k likeliest, lower ids first among equals', () => {
  fc.assert(
    fc.property(logitsArbitrary, fc.integer({ min: 1, max: 320 }), (logits, topK) => {
      const expected = Array.from(logits.keys())
        .sort((a, b) => logits[b]! - logits[a]! || a - b)
        .slice(0, topK)
        .sort((a, b) => a - b)
      expect(select(logits, { ...OFF, topK }).ids).toEqual(expected)
    }),
  )
})

test('top-p keeps the smallest set that is likely enough', () => {
  fc.assert(
    fc.property(logitsArbitrary, fc.double({ min: 0, max: 0.999, noNaN: true }), (logits, topP) => {
      const everything = select(logits, OFF)
      const kept = new Set(select(logits, { ...OFF, topP }).ids)
      const share = (ids: Iterable<number>) => {
        let sum = 0
        for (const id of ids) sum += everything.probabilities[id]!
        return sum
      }
      expect(kept.size).toBeGreaterThan(0)
      expect(share(kept)).toBeGreaterThanOrEqual(topP - 1e-9)
      const least = [...kept].reduce((a, b) => (logits[b]! < logits[a]! ? b : a))
      if (kept.size > 1) {
        expect(share([...kept].filter(id => id !== least))).toBeLessThanOrEqual(topP + 1e-9)
      }
      for (const id of everything.ids)
        if (!kept.has(id)) expect(logits[id]).toBeLessThanOrEqual(logits[least]!)
    }),
  )
})

test('min-p is a share of the likeliest', () => {
  fc.assert(
    fc.property(logitsArbitrary, fc.double({ min: 0.001, max: 1, noNaN: true }), (logits, minP) => {
      const { ids, probabilities } = select(logits, { ...OFF, minP })
      const most = Math.max(...probabilities)
      expect(ids.length).toBeGreaterThan(0)
      for (const probability of probabilities) expect(probability).toBeGreaterThanOrEqual(minP * most - 1e-12)
    }),
  )
})

test('picking follows the probabilities', () => {
  const candidates = new Candidates(3)
  candidates.select(Float32Array.of(Math.log(0.5), Math.log(0.2), Math.log(0.3)), OFF)
  expect([0, 0.49, 0.51, 0.69, 0.71, 0.999999999].map(share => candidates.pick(share))).toEqual([
    0, 0, 1, 1, 2, 2,
  ])
})

test('a banned token is never picked, even at the last hair', () => {
  const candidates = new Candidates(3)
  candidates.select(Float32Array.of(0, 1, Number.NEGATIVE_INFINITY), OFF)
  expect(candidates.pick(1 - 2 ** -53)).toBe(1)
})

test('negligible odds are left out, whatever the filters', () => {
  const candidates = new Candidates(3)
  candidates.select(Float32Array.of(0, -39, -41), { ...OFF, topK: 3 })
  expect(candidates.count).toBe(2)
  candidates.select(Float32Array.of(0, -1, -41), { ...OFF, temperature: 0.02 })
  expect(candidates.count).toBe(1)
})

test('logits without a number are an error', () => {
  const candidates = new Candidates(2)
  expect(() => candidates.select(Float32Array.of(Number.NaN, Number.NEGATIVE_INFINITY), OFF)).toThrow(
    RangeError,
  )
})
