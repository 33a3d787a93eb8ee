import { describe, expect, test } from 'vitest'
import { type ContentTaker, type HeldContent, type PromptContent, reusablePositions } from './prefix-cache.ts'

const ids = [1, 2, 3, 4, 5, 6, 7, 8]
const prompt: PromptContent = {
  scope: 's',
  ids,
  spans: [{ start: 2, end: 4, contentHash: 'x' }],
  shareable: ids.length,
}
const held = (overrides: Partial<PromptContent> = {}, length = ids.length): HeldContent => ({
  prompt: { ...prompt, ...overrides },
  tokens: [],
  length,
  family: 'holder',
})
const taker = (overrides: Partial<ContentTaker> = {}): ContentTaker => ({
  prompt,
  family: 'taker',
  tokens: [],
  ...overrides,
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
  ['nothing of an answer that another wrote', held({}, 11), 6],
])('%s', (_, content, expected) => {
  expect(reusablePositions(content, taker())).toBe(expected)
})

test('up to what the prompt does not vouch for', () => {
  expect(reusablePositions(held(), taker({ prompt: { ...prompt, shareable: 3 } }))).toBe(3)
})

describe('a sequence that was preempted', () => {
  const own = { prompt: { ...prompt, shareable: 0 }, family: 'holder' }

  test.each([
    ['takes its own answer back', 11, 11],
    ['needs no logits of its prompt again', 8, 8],
    ['computes two positions of its prompt at least', 7, 6],
    ['takes what is left of its prompt', 4, 4],
  ])('%s', (_, length, expected) => {
    const cut = { ...held({ shareable: 0 }, length), tokens: [9, 9, 9, 9] }
    expect(reusablePositions(cut, taker({ ...own, tokens: [9, 9, 9, 9] }))).toBe(expected)
  })

  test('takes all of another’s equal prompt, and nothing of the answer', () => {
    expect(reusablePositions(held({}, 11), taker({ tokens: [9] }))).toBe(8)
  })

  test.each([
    ['the part of an answer that it has in common with another of its family', [5, 6, 7], [5, 6, 8, 9], 10],
    ['no token that another has not', [5, 6, 7], [4, 6], 8],
    ['not the last one that is known: what follows it is asked for', [5, 6, 7], [5, 6, 7], 10],
    ['nothing of an answer that begins with it', [], [5, 6], 8],
  ])('takes %s', (_, answer, tokens, expected) => {
    const content = { ...held({ shareable: 0 }, 8 + answer.length), tokens: answer }
    expect(reusablePositions(content, taker({ ...own, tokens }))).toBe(expected)
  })

  test('before its first token still needs the logits of its prompt', () => {
    expect(reusablePositions(held({ shareable: 0 }, 7), taker(own))).toBe(6)
  })
})
