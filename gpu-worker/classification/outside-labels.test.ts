import { expect, test } from 'vitest'
import { outsideOf } from './outside-labels.ts'

test('what a label speaks of is not outside of the labels', () => {
  const outside = outsideOf(['Dogs barking', 'bird song', 'a train horn'])
  expect(outside).toEqual(expect.arrayContaining(['cat', 'bell', 'car engine']))
  for (const sound of ['dog', 'birds', 'train']) expect(outside).not.toContain(sound)
  expect(outsideOf(['seven', 'eight'])).toHaveLength(21)
})

test('general labels have no single sounds outside of them, and a label for the rest has nothing', () => {
  expect(outsideOf(['speech', 'birds'])).toEqual([])
  expect(outsideOf(['wild animals', 'rain'])).toEqual([])
  expect(outsideOf(['dog', 'something else'])).toBeNull()
  expect(outsideOf(['speech', 'music', 'noise', 'silence'])).toBeNull()
})
