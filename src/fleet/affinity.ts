/** What the audio of a request is known by, so that requests about the same audio find the worker that has it encoded. */
import { hashText } from '../protocol/bloom-filter.ts'
import type { AudioPart, Message } from '../protocol/chat-completions.ts'
import type { AudioKey } from './choose.ts'

/** How an `audio_url` names audio that was sent before. */
const cachedPrefix = 'audio:'

/** Of a recording, this much is looked at: its beginning, its end, and pieces between. */
const sampleCharacters = 64
const sampleCount = 64
/** Of a recording that is still coming, this much is relied on. */
const headSampleBytes = 64 * 1024
const quoteByte = 0x22

/**
 * The audio of a conversation, in order. Nothing is decoded and little is read: a recording of 25 MB costs as much as
 * one of 10 kB. Two recordings that differ only where nothing is read share a worker, which does no harm.
 */
export function audioKeysOf(messages: readonly Message[]): AudioKey[] {
  return messages.flatMap(({ content }) =>
    typeof content === 'string'
      ? []
      : content.flatMap(part => (part.type === 'text' ? [] : [audioKeyOfPart(part)])),
  )
}

/** The audio of one part. */
export function audioKeyOfPart(part: AudioPart): AudioKey {
  if (part.type === 'input_audio') return contentKey(part.input_audio.data)
  return part.type === 'audio_url' ? urlKey(part.audio_url.url) : audioKeyOfFileId(part.file.file_id)
}

/** The audio of a form. */
export function audioKeyOfFile(bytes: Uint8Array): AudioKey {
  return sampled(bytes.length, (start, end) => String.fromCharCode(...bytes.subarray(start, end)))
}

/** An uploaded file. */
export function audioKeyOfFileId(id: string): AudioKey {
  return contentKey(`file:${id}`)
}

/**
 * The first recording of a JSON body of which only the beginning has come, by its own beginning: whatever else the body
 * asks, and wherever it was cut. Nothing else in such a body is so long without a quote.
 */
export function audioKeysOfHead(head: Uint8Array): AudioKey[] {
  for (let start = 0; head.byteLength - start >= headSampleBytes; ) {
    const quote = head.indexOf(quoteByte, start)
    const end = quote < 0 ? head.byteLength : quote
    if (end - start >= headSampleBytes) {
      return [audioKeyOfFile(head.subarray(start, start + headSampleBytes))]
    }
    start = end + 1
  }
  return []
}

function urlKey(url: string): AudioKey {
  if (url.startsWith(cachedPrefix)) return { kind: 'cached', id: url.slice(cachedPrefix.length) }
  const comma = url.startsWith('data:') ? url.indexOf(',') : -1
  return contentKey(url, comma + 1)
}

/** @param start where the audio begins in the text */
function contentKey(text: string, start = 0): AudioKey {
  return sampled(text.length - start, (from, to) => text.slice(start + from, start + to))
}

function sampled(length: number, slice: (start: number, end: number) => string): AudioKey {
  let samples = ''
  const step = Math.max(sampleCharacters, (length - sampleCharacters) / (sampleCount - 1))
  for (let k = 0; k < sampleCount; k++) {
    const start = Math.floor(k * step)
    if (start >= length) break
    samples += slice(start, Math.min(length, start + sampleCharacters))
  }
  const key = `${length} ${hashText(samples, 0x811c9dc5)} ${hashText(samples, 0x9747b28c)}`
  return { kind: 'content', key }
}
