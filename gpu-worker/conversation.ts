/** From the wire's messages to what the chat template takes: texts, and audios by their place in the conversation. */
import { decodeBase64, parseAudioUrl } from '../src/protocol/audio-source.ts'
import type { AudioPart, ChatCompletionRequest } from '../src/protocol/chat-completions.ts'
import type { Recording } from '../src/protocol/recording.ts'
import type { AudioSources } from './audio-sources.ts'
import type { ChatMessage, ChatPart } from './text/chat-template.ts'

/** One audio part and where in the request it stands, for error messages. */
export interface AudioReference {
  part: AudioPart
  /** As in `messages[0].content[1]`. */
  path: string
}

/** A request's conversation, its audio parts taken out and numbered from 0. */
export interface Conversation {
  messages: ChatMessage[]
  audios: AudioReference[]
}

/** @see Conversation. A developer message is a system message under OpenAI's newer name. */
export function toConversation(request: ChatCompletionRequest): Conversation {
  const audios: AudioReference[] = []
  const messages = request.messages.map((message, index): ChatMessage => {
    const parts =
      typeof message.content === 'string'
        ? [{ type: 'text' as const, text: message.content }]
        : message.content
    const content = parts.map((part, at): ChatPart => {
      if (part.type === 'text') return part
      audios.push({ part, path: `messages[${index}].content[${at}]` })
      return { type: 'audio', audio: audios.length - 1 }
    })
    return { role: message.role === 'developer' ? 'system' : message.role, content }
  })
  return { messages, audios }
}

/** The recording of a form as a part of a conversation. */
export function toPart(recording: Recording): AudioPart {
  if (recording.kind === 'uploaded') return { type: 'file', file: { file_id: recording.fileId } }
  const { buffer, byteOffset, byteLength } = recording.file.bytes
  const data = Buffer.from(buffer, byteOffset, byteLength).toString('base64')
  return { type: 'input_audio', input_audio: { data } }
}

/** The field that carries the recording of a form. */
export function paramOf({ kind }: Recording): 'file' | 'file_id' {
  return kind === 'sent' ? 'file' : 'file_id'
}

/** What came of an audio: the file, or only the id of one that was sent before. */
export type ReceivedAudio =
  | { kind: 'file'; id: string; bytes: Uint8Array<ArrayBuffer> }
  | { kind: 'id'; id: string }

/** What is needed to get hold of an audio. */
export interface ReceiveContext {
  sources: AudioSources
  tenant: string
  maxBytes: number
  signal: AbortSignal
}

/**
 * Takes an audio out of its part, from wherever it is. Its id is the SHA-256 of the file, 64 hex digits.
 * @throws ApiError `invalid_base64`, `payload_too_large`, `invalid_request`, `file_not_found`, and for a URL
 *   `audio_url_unsupported`, `audio_url_refused`, `audio_url_failed`
 */
export async function receiveAudio(
  { part, path }: AudioReference,
  { sources, tenant, maxBytes, signal }: ReceiveContext,
): Promise<ReceivedAudio> {
  if (part.type === 'input_audio') {
    return toFile(decodeBase64(part.input_audio.data, { param: `${path}.input_audio.data`, maxBytes }))
  }
  if (part.type === 'file') {
    const wanted = { tenant, maxBytes, signal, param: `${path}.file.file_id` }
    return toFile(await sources.readFile(part.file.file_id, wanted))
  }
  const wanted = { tenant, maxBytes, signal, param: `${path}.audio_url.url` }
  const url = parseAudioUrl(part.audio_url.url, wanted.param)
  switch (url.kind) {
    case 'audio-id':
      return { kind: 'id', id: url.id }
    case 'data':
      return toFile(decodeBase64(url.base64, wanted))
    case 'file':
      return toFile(await sources.readFile(url.id, wanted))
    case 'http':
      return toFile(await sources.fetchUrl(url.url, wanted))
  }
}

async function toFile(bytes: Uint8Array<ArrayBuffer>): Promise<ReceivedAudio> {
  // Off the event loop, unlike node:crypto's.
  const id = Buffer.from(await crypto.subtle.digest('SHA-256', bytes)).toString('hex')
  return { kind: 'file', id, bytes }
}
