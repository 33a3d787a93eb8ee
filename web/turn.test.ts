import { expect, test } from 'vitest'
import { factsOf } from './turn.js'

const usage = {
  prompt_tokens: 80,
  completion_tokens: 21,
  prompt_tokens_details: { audio_tokens: 41 },
  audio: [
    { index: 1, seconds_received: 4, seconds_encoded: 4, ranges: [{ start: 0, end: 4 }] },
    { index: 2, seconds_received: 60, seconds_encoded: 30, ranges: [{ start: 0, end: 30 }] },
  ],
}

test('says what was heard, the tokens and the speed after the first one', () => {
  const whole = { ...usage, audio: usage.audio.slice(0, 1) }
  expect(factsOf(whole, { firstTextMs: 400, lastTextMs: 1400 }, 'stop')).toEqual([
    { value: '4.0 s', unit: 'heard' },
    { value: '41', unit: 'audio tokens' },
    { value: '400 ms', unit: 'to first token' },
    { value: '20', unit: 'tokens/s' },
  ])
})

test('an answer over a part of the recording, or a cut one, says so', () => {
  const facts = factsOf(usage, { firstTextMs: 1250, lastTextMs: 1250 }, 'length')
  expect(facts).toContainEqual({ value: '34.0 of 64.0 s', unit: 'heard', short: true })
  expect(facts).toContainEqual({ value: '1.3 s', unit: 'to first token' })
  expect(facts).toContainEqual({ value: 'cut', unit: 'at the longest answer', short: true })
})

test('a stopped answer has no usage', () => {
  const facts = factsOf(null, { firstTextMs: null, lastTextMs: null }, 'stopped')
  expect(facts).toEqual([{ value: 'stopped', unit: 'by you', short: true }])
})
