import { expect, test, vi } from 'vitest'
import type { TrainingOptions } from '../../src/ngram/train.ts'
import { trainNgramModel } from './ngram-training.ts'

// Threads start slowly on busy machines.
vi.setConfig({ testTimeout: 60_000 })

const options: TrainingOptions = {
  order: 2,
  smoothing: { method: 'absolute', discount: 0.5 },
  prune: [],
  tokenizer: { tokenization: 'segments', lowercase: true, locale: null },
  heldOut: 0,
  maximumCharacters: 1000,
  maximumNgrams: 1000,
}

test('makes models in a thread, and gives what is wrong with a text', async () => {
  const file = new TextEncoder().encode('Play some music.\nPlay some jazz.\n')
  const [model, refused] = await Promise.allSettled([
    trainNgramModel(file, options),
    trainNgramModel(new TextEncoder().encode('\n'), options),
  ])
  expect(model).toMatchObject({ value: { order: 2, text: { sentences: 2, words: 6 } } })
  expect(refused).toMatchObject({ reason: { name: 'NgramError', message: 'the text has no words' } })
  expect(file.byteLength).toBeGreaterThan(0)
})
