/** From the wire's messages to what the chat template takes: texts, and audios by their place in the conversation. */
import { decodeBase64, parseDataUrl } from '../src/protocol/audio-source.ts'
import type { AudioPart, ChatCompletionRequest } from '../src/protocol/chat-completions.ts'
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

/**
 * The file that an audio part carries.
 * @throws ApiError `invalid_base64`, `payload_too_large`, `audio_url_unsupported`
 */
export function audioBytes({ part, path }: AudioReference, maxBytes: number): Uint8Array {
  if (part.type === 'input_audio') {
    return decodeBase64(part.input_audio.data, { param: `${path}.input_audio.data`, maxBytes })
  }
  const param = `${path}.audio_url.url`
  return decodeBase64(parseDataUrl(part.audio_url.url, param).base64, { param, maxBytes })
}
