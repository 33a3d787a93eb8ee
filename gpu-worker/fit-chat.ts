/**
 * Makes a conversation fit the context, and never by cutting: it fits, or it is refused with the numbers, or,
 * where the caller asked for it, a long audio is taken in consecutive parts and the question put to each.
 */
import { ApiError } from '../src/protocol/errors.ts'
import type { ChatModel, EncodedAudio, EncodedWindow, RenderedChat } from './model/chat-model.ts'
import type { ChatMessage } from './text/chat-template.ts'

/** Room that is kept for an answer that hasn't said how long it will be. */
const MIN_ANSWER_TOKENS = 16

/**
 * @returns one prompt; several, to be answered one after another, if a long audio had to be taken in parts
 * @throws ApiError `context_length_exceeded`
 */
export function fitChat(
  messages: readonly ChatMessage[],
  audios: readonly EncodedAudio[],
  options: { model: ChatModel; checkpoint: string; answerTokens: number; longAudio: 'error' | 'chunk' },
): RenderedChat[] {
  const { model, checkpoint, longAudio } = options
  const whole = model.renderChat(messages, audios, checkpoint)
  const contextLength = model.engine.contextLength
  if (whole.prompt.ids.length + Math.min(options.answerTokens, MIN_ANSWER_TOKENS) <= contextLength)
    return [whole]

  if (longAudio === 'error' || audios.length !== 1) throw tooLong(whole, contextLength, audios.length)
  const overhead = whole.prompt.ids.length - whole.audioTokens
  const answerRoom = Math.min(options.answerTokens, Math.floor((contextLength - overhead) / 2))
  const audio = audios[0]!
  const parts = groupWindows(audio.windows, contextLength - overhead - answerRoom)
  if (!parts) throw tooLong(whole, contextLength, audios.length)
  return parts.map((windows, index) =>
    model.renderChat(
      messages,
      [{ ...audio, windows, contentHash: `${audio.contentHash}#${index}/${parts.length}` }],
      checkpoint,
    ),
  )
}

/** Consecutive windows, as many together as `maxTokens` holds; null if one alone is too large. */
export function groupWindows(windows: readonly EncodedWindow[], maxTokens: number): EncodedWindow[][] | null {
  const groups: EncodedWindow[][] = []
  let room = 0
  for (const window of windows) {
    if (window.ids.length > maxTokens) return null
    if (window.ids.length > room) {
      groups.push([])
      room = maxTokens
    }
    groups.at(-1)!.push(window)
    room -= window.ids.length
  }
  return groups
}

function tooLong({ prompt, audioTokens }: RenderedChat, contextLength: number, audioCount: number): ApiError {
  const remedy =
    audioCount === 0
      ? 'Shorten the conversation.'
      : audioCount === 1
        ? 'Send a shorter recording, or "long_audio": "chunk" to have it answered part by part.'
        : 'Send shorter recordings, or fewer of them.'
  return new ApiError('context_length_exceeded', {
    message:
      `The conversation has ${prompt.ids.length} tokens (${audioTokens} of them audio), ` +
      `and the context holds ${contextLength} with the answer. ${remedy}`,
    param: 'messages',
  })
}
