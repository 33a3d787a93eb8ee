import { expect, test } from 'vitest'
import { type HeldContent, type PromptContent, reusablePositions } from './prefix-cache.ts'

const ids = [1, 2, 3, 4, 5, 6, 7, 8]
const prompt: PromptContent = {
  scope: 's',
  ids,
  spans: [{ start: 2, end: 4, contentHash: 'x' }],
  shareable: ids.length,
}
const held = (overrides: Partial<PromptContent> = {}, length = ids.length): HeldContent => ({
  prompt: { ...prompt, ...overrides },
  length,
})

test.each([
  ['all but the last two positions', held(), 6],
  ['what is computed so far', held({}, 5), 5],
  ['up to the first other id', held({ ids: [1, 2, 3, 4, 5, 0, 7, 8] }), 5],
  ['nothing of another scope', held({ scope: 't' }), 0],
  ['up to other audio', held({ spans: [{ start: 2, end: 4, contentHash: 'y' }] }), 2],
  ['up to audio that ends elsewhere', held({ spans: [{ start: 2, end: 5, contentHash: 'x' }] }), 2],
  ['up to audio that the other lacks', held({ spans: [] }), 2],
  ['audio that is held in part', held({}, 3), 3],
  ['up to what the holder does not vouch for', held({ shareable: 1 }), 1],
  ['all of a shorter prompt', held({ ids: [1, 2, 3, 4, 5], shareable: 5 }, 5), 5],
])('%s', (_, content, expected) => {
  expect(reusablePositions(content, prompt)).toBe(expected)
})

test('up to what the prompt does not vouch for', () => {
  expect(reusablePositions(held(), { ...prompt, shareable: 3 })).toBe(3)
})
