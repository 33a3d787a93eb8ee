import fc from 'fast-check'
import { expect, it } from 'vitest'
import { textPosterior } from './text-posterior.ts'

it('equals a sorted softmax over the ids that take part', () => {
  const logits = fc.array(fc.double({ min: -40, max: 40, noNaN: true }), { minLength: 3, maxLength: 60 })
  fc.assert(
    fc.property(logits, fc.integer({ min: 1, max: 5 }), (values, top) => {
      const count = values.length - 1
      const all = Float32Array.from(values)
      const { ids, probabilities } = textPosterior(all, count, top)
      const taking = [...all.subarray(0, count)]
      const max = Math.max(...taking)
      const sum = taking.reduce((total, logit) => total + Math.exp(logit - max), 0)
      const expected = taking.map(logit => Math.exp(logit - max) / sum).sort((a, b) => b - a)
      expect(ids).toHaveLength(Math.min(top, count))
      for (const [rank, probability] of probabilities.entries())
        expect(probability).toBeCloseTo(expected[rank]!, 6)
      expect(new Set(ids).size).toBe(ids.length)
    }),
  )
})
