import { expect, it } from 'vitest'
import { compressionRatio, loudestRms } from './hear-window.ts'

it('finds the loud block in a quiet recording', () => {
  const samples = new Float32Array(32_000)
  samples.fill(0.5, 16_000, 24_000)
  expect(loudestRms(samples)).toBeCloseTo(0.5)
  expect(loudestRms(new Float32Array(100))).toBe(0)
})

it('tells a text that goes round in circles', () => {
  expect(compressionRatio('and then '.repeat(40))).toBeGreaterThan(2.4)
  expect(compressionRatio('The party starts at ten past eight, and Karen brings the tent.')).toBeLessThan(1.5)
  expect(compressionRatio('')).toBe(0)
})
