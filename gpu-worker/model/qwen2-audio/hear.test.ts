import { expect, test } from 'vitest'
import { audioTokenCount } from './hear.ts'

// By transformers 5: `(((frames - 1) // 2 + 1) - 2) // 2 + 1` of the attention mask's frames.
test.each([
  [1, 0],
  [320, 0],
  [321, 1],
  [480, 1],
  [481, 1],
  [16_000, 25],
  [16_001, 25],
  [123_456, 193],
  [479_999, 750],
  [480_000, 750],
])('%i samples make %i tokens', (samples, tokens) => {
  expect(audioTokenCount(samples)).toBe(tokens)
})
