import { expect, test } from 'vitest'
import { outsideOf } from './outside-labels.ts'

test('what a label speaks of is not outside of the labels', () => {
  const outside = outsideOf(['Dogs barking', 'bird song', 'a train horn'])
  expect(outside).toEqual(expect.arrayContaining(['cat', 'bell', 'car engine']))
  for (const sound of ['dog', 'birds', 'train']) expect(outside).not.toContain(sound)
  expect(outsideOf(['seven', 'eight'])).toHaveLength(21)
})
