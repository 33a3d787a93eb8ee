import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { type Cue, formatTimestamp, toSrt, toText, toVtt } from './transcript-formats.ts'

/** Written by openai-whisper's own writers: training/goldens/transcript_formats.py. */
const goldens: Record<string, { segments: Cue[]; srt: string; vtt: string }> = JSON.parse(
  readFileSync(new URL('./goldens/transcript-formats.json', import.meta.url), 'utf8'),
)

describe.each(Object.entries(goldens))('as openai-whisper writes it: %s', (_, { segments, srt, vtt }) => {
  test('SubRip', () => expect(toSrt(segments)).toBe(srt))
  test('WebVTT', () => expect(toVtt(segments)).toBe(vtt))
})

test('a text ends in a line break', () => expect(toText('Hello.')).toBe('Hello.\n'))

test('times are rounded to milliseconds, halves to even', () => {
  expect(formatTimestamp(0.0025, ',')).toBe('00:00:00,002')
  expect(formatTimestamp(0.0035, '.')).toBe('00:00:00.004')
  expect(formatTimestamp(3_600_000 - 0.0001, '.')).toBe('1000:00:00.000')
})
