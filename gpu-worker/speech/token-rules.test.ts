import { expect, it } from 'vitest'
import { loadTokenizer } from '../text/tokenizer.ts'
import goldens from './goldens/token-rules.json' with { type: 'json' }
import { EMPTY_HISTORY, nonSpeechTokens, TokenRules } from './token-rules.ts'

it('never says the symbols that the model’s own configuration suppresses', async () => {
  const tokenizer = await loadTokenizer('models/whisper-tiny.en/tokenizer.json')
  const published = goldens.suppressTokens.filter(id => id < 50_256)
  expect(nonSpeechTokens(tokenizer)).toEqual(published)
})

// training/goldens/token_rules.py: transformers' processors over random rows of a small vocabulary.
it.each(goldens.cases.map((golden, index) => [index, golden] as const))(
  'allows what transformers does: %i',
  (_, golden) => {
    const { endOfText, firstTimestamp, suppressed, blank } = goldens
    const rules = new TokenRules({ endOfText, noSpeech: endOfText + 1, firstTimestamp }, suppressed, {
      blank,
      withTimestamps: golden.withTimestamps,
    })
    let history = EMPTY_HISTORY
    for (const id of golden.tokens) history = rules.extend(history, id)
    const row = Float32Array.from(golden.logProbabilities)
    const rest = rules.apply(row, history)
    const ours = Array.from(row, value => value - rest)
    for (const [id, expected] of golden.expected.entries()) {
      if (expected === null) expect(ours[id]).toBe(Number.NEGATIVE_INFINITY)
      else expect(ours[id]).toBeCloseTo(expected, 3)
    }
  },
)
