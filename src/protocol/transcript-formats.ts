/**
 * Transcripts as text: plain, SubRip, WebVTT. Byte by byte what OpenAI's API gives: the writers of openai-whisper
 * (`whisper/utils.py`), with hours in every time.
 */

/** What a subtitle is made of; seconds. */
export interface Cue {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** The whole text and a line break. */
export function toText(text: string): string {
  return `${text}\n`
}

/** SubRip. */
export function toSrt(cues: readonly Cue[]): string {
  return cues.map((cue, index) => `${index + 1}\n${times(cue, ',')}\n${line(cue)}\n\n`).join('')
}

/** WebVTT. */
export function toVtt(cues: readonly Cue[]): string {
  return `WEBVTT\n\n${cues.map(cue => `${times(cue, '.')}\n${line(cue)}\n\n`).join('')}`
}

function times({ start, end }: Cue, decimalMark: string): string {
  return `${formatTimestamp(start, decimalMark)} --> ${formatTimestamp(end, decimalMark)}`
}

/** An arrow in the text would end the times. */
function line({ text }: Cue): string {
  return text.trim().replaceAll('-->', '->')
}

/** `01:02:03.004`; hours take more digits when they must. */
export function formatTimestamp(seconds: number, decimalMark: string): string {
  const milliseconds = roundHalfToEven(seconds * 1000)
  const digits = (value: number, length: number) => String(Math.floor(value)).padStart(length, '0')
  const hours = digits(milliseconds / 3_600_000, 2)
  const minutes = digits((milliseconds / 60_000) % 60, 2)
  return `${hours}:${minutes}:${digits((milliseconds / 1000) % 60, 2)}${decimalMark}${digits(milliseconds % 1000, 3)}`
}

/** As Python's `round`. */
function roundHalfToEven(value: number): number {
  const below = Math.floor(value)
  if (value - below !== 0.5) return Math.round(value)
  return below % 2 === 0 ? below : below + 1
}
