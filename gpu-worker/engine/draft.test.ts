import { expect, test } from 'vitest'
import { draft } from './draft.ts'
import { sequence } from './fixtures/scheduling.ts'
import type { RunningSequence } from './sequence.ts'

const answering = (tokens: number[], sources: number[][], more: Partial<RunningSequence> = {}) => ({
  ...sequence('a', 4),
  arrival: 0,
  submittedMs: 0,
  preemptions: 0,
  slot: 0,
  computed: 4,
  reused: 0,
  drafted: 0,
  accepted: 0,
  tokens,
  sources,
  ...more,
})

test('what followed the last time', () => {
  expect(draft(answering([7, 1, 2], [[1, 2, 3, 4, 5, 6]]), 3)).toEqual([3, 4, 5])
  expect(draft(answering([7, 1, 2], [[1, 2, 3, 1, 2, 9]]), 3)).toEqual([9])
  expect(draft(answering([1, 2, 8, 1, 2], [[1, 2, 3]]), 3)).toEqual([8, 1, 2])
})

test('a longer place in common is the better one', () => {
  const sources = [
    [5, 6, 1, 2, 3],
    [1, 2, 4],
  ]
  expect(draft(answering([0, 5, 6, 1, 2], sources), 1)).toEqual([3])
  expect(draft(answering([0, 5, 7, 1, 2], sources.toReversed()), 1)).toEqual([4])
})

test('nothing where nothing is known', () => {
  expect(draft(answering([1], [[1, 2, 3]]), 3)).toEqual([])
  expect(draft(answering([1, 2], [[3, 4, 1, 2]]), 3)).toEqual([])
  expect(draft(answering([1, 2], [[1, 2, 3]]), 0)).toEqual([])
  // What stands for a spliced vector is no token.
  expect(draft(answering([1, 2], [[1, 2, -1, 3]]), 3)).toEqual([])
  expect(draft(answering([1, 2], [[1, 2, 3, -1]]), 3)).toEqual([3])
})

test('who guesses badly stops guessing', () => {
  const guess = (drafted: number, accepted: number) =>
    draft(answering([1, 2], [[1, 2, 3]], { drafted, accepted }), 3)
  expect(guess(12, 0)).toEqual([3])
  expect(guess(15, 0)).toEqual([])
  expect(guess(40, 6)).toEqual([])
  expect(guess(40, 7)).toEqual([3])
})
