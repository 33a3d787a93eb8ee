import fc from 'fast-check'
import { expect, it } from 'vitest'
import { SpeechStretches } from './speech-stretches.ts'

const FRAME = 512
const OPTIONS = { threshold: 0.5, minSilenceMs: 96, speechPadMs: 32 }
const LONGEST = 100 * FRAME

function stretchesOf(probabilities: readonly number[], pieces = 1) {
  const stretches = new SpeechStretches(OPTIONS, FRAME, LONGEST)
  const size = Math.ceil(probabilities.length / pieces)
  const found = []
  for (let at = 0; at < probabilities.length; at += size)
    found.push(...stretches.push(Float32Array.from(probabilities.slice(at, at + size))))
  return [...found, ...stretches.finish(probabilities.length * FRAME)]
}

const run = (length: number, probability: number) => new Array<number>(length).fill(probability)

it('finds speech, and keeps some of what lies around it', () => {
  const found = stretchesOf([...run(10, 0.1), ...run(20, 0.9), ...run(10, 0.1)])
  expect(found).toEqual([{ start: 9 * FRAME, end: 31 * FRAME }])
})

it('neither ends at a short pause nor begins at a click', () => {
  const pause = stretchesOf([...run(10, 0.9), ...run(2, 0), ...run(10, 0.9), ...run(10, 0)])
  expect(pause).toHaveLength(1)
  expect(stretchesOf([...run(10, 0), ...run(4, 0.9), ...run(10, 0)])).toEqual([])
})

it('doesn’t flicker between the two thresholds', () => {
  expect(stretchesOf([...run(10, 0.9), ...run(30, 0.4), ...run(10, 0.9)])).toHaveLength(1)
})

it('cuts what is too long where speech is least probable', () => {
  const probabilities = run(150, 0.9)
  probabilities[80] = 0.6
  const [first, second] = stretchesOf(probabilities)
  expect(first!.end).toBe(81 * FRAME)
  expect(second!.start).toBe(first!.end)
})

it('stretches follow one another, don’t overlap, are short enough, however the probabilities come', () => {
  const probabilities = fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { maxLength: 400 })
  fc.assert(
    fc.property(probabilities, fc.integer({ min: 1, max: 9 }), (values, pieces) => {
      const found = stretchesOf(values, pieces)
      expect(found).toEqual(stretchesOf(values))
      let last = 0
      for (const { start, end } of found) {
        expect(start).toBeGreaterThanOrEqual(last)
        expect(end).toBeGreaterThan(start)
        expect(end - start).toBeLessThanOrEqual(LONGEST)
        last = end
      }
      expect(last).toBeLessThanOrEqual(Math.max(values.length * FRAME, last))
    }),
  )
})
