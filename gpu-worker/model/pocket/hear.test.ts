import { describe, expect, it } from 'vitest'
import { isSpeech } from './hear.ts'

const gate = { min_rms: 0.001, max_no_speech_probability: 0.6, min_mean_logprob: -1, floor_mean_logprob: -2 }
const heard = (meanLogprob: number, noSpeechProbability: number, more = {}) => ({
  steps: [{ ids: [1], probabilities: [1] }],
  text: 'a',
  unbiasedText: null,
  meanLogprob,
  noSpeechProbability,
  isLoop: false,
  ...more,
})

describe('speech gate', () => {
  it('keeps what was heard clearly', () => {
    expect(isSpeech(heard(-0.3, 0.1), gate)).toBe(true)
    expect(isSpeech(heard(-0.3, 0.9), gate)).toBe(true)
    expect(isSpeech(heard(-1.5, 0.1), gate)).toBe(true)
  })

  it('drops what is unlikely both as speech and as text, or hopeless, or circular, or nothing', () => {
    expect(isSpeech(heard(-1.5, 0.9), gate)).toBe(false)
    expect(isSpeech(heard(-2.5, 0.1), gate)).toBe(false)
    expect(isSpeech(heard(-0.3, 0.1, { isLoop: true }), gate)).toBe(false)
    expect(isSpeech(heard(-0.3, 0.1, { steps: [] }), gate)).toBe(false)
  })
})
