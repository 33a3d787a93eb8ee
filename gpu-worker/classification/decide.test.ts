import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'

const question = {}
const scored = (gains: readonly number[], priors: readonly number[] = gains.map(() => -5)) => ({
  labels: gains.map((_, index) => `label ${index}`),
  logprobs: gains.map((gain, index) => [gain + priors[index]! / 2 - 1, 1]),
  priors,
})

test('what the recording makes likelier wins, not what is likely anyway', () => {
  const { label, results } = decide(scored([8, 3], [-20, -1]), [], question)
  expect(label).toBe('label 0')
  expect(results).toMatchObject([
    { label: 'label 0', index: 0, logprob: -2, prior_logprob: -20, margin: 5 },
    { label: 'label 1', index: 1, logprob: 2.5, prior_logprob: -1, margin: -5 },
  ])
})

test('scores and none of these are together 1, and what fits is the first result', () => {
  fc.assert(
    fc.property(
      fc.array(fc.double({ min: -50, max: 50, noNaN: true }), { minLength: 2, maxLength: 30 }),
      gains => {
        const { label, labels, results, noneOfThese } = decide(scored(gains), [], question)
        expect(results.reduce((sum, { score }) => sum + score, noneOfThese)).toBeCloseTo(1, 9)
        expect(results.map(({ score }) => score)).toEqual(
          results.map(({ score }) => score).sort((a, b) => b - a),
        )
        expect(labels).toEqual(label === null ? [] : [results[0]!.label])
        expect(label === null).toBe(results[0]!.score < noneOfThese)
      },
    ),
  )
})

describe('abstaining', () => {
  test('nothing that the recording makes likelier: none of these', () => {
    expect(decide(scored([-1, 0.5, -3]), [], question)).toMatchObject({ label: null, labels: [] })
  })

  test('something else that it makes likelier still: none of these', () => {
    expect(decide(scored([6, 1]), [3, 7.5], question).label).toBe('label 0')
    const { label, noneOfThese, results } = decide(scored([6, 1]), [3, 12], question)
    expect(label).toBeNull()
    expect(noneOfThese).toBeGreaterThan(0.95)
    expect(results[0]!.label).toBe('label 0')
  })

  test('where one of the labels fits whatever is heard, the best is given', () => {
    expect(decide(scored([-1, 0.5]), null, question)).toMatchObject({ label: 'label 1', noneOfThese: 0 })
  })

  test('a score under the threshold is not given as right', () => {
    expect(decide(scored([6, 5.5]), [], question).label).toBe('label 0')
    expect(decide(scored([6, 5.5]), [], { ...question, threshold: 0.9 }).label).toBeNull()
  })
})

test('several labels may be right, each by itself', () => {
  const several = { ...question, multi_label: true }
  const { labels, results, noneOfThese } = decide(scored([11, 10, -4]), [], several)
  expect(labels).toEqual(['label 0', 'label 1'])
  expect(results[1]!.score).toBeGreaterThan(0.9)
  expect(noneOfThese).toBeLessThan(0.01)
  expect(decide(scored([11, 10, -4]), [], { ...several, threshold: 0.9999 }).labels).toEqual([])
  expect(decide(scored([-9, -8, -4]), [], several)).toMatchObject({ label: null, labels: [] })
})

test('so many results as are asked for, whatever fits', () => {
  const { results, labels } = decide(scored([9, 8, 7]), [], { ...question, multi_label: true, top_k: 1 })
  expect([results.length, labels.length]).toEqual([1, 3])
})
