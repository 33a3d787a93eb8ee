/**
 * ChatML, as Qwen2-Audio and SmolLM2 have it, rendered to token ids without ever passing through a string that
 * holds special tokens. Audios are numbered over the whole conversation: `Audio 1: ...`, `Audio 2: ...`.
 */
import type { Tokenizer } from './tokenizer.ts'

/** A message whose audio parts are indices into the conversation's list of audios. */
export interface ChatMessage {
  role: 'system' | 'user' | 'assistant'
  content: readonly ChatPart[]
}
export type ChatPart = { type: 'text'; text: string } | { type: 'audio'; audio: number }

export interface ChatTemplateTokens {
  startOfTurn: number
  endOfTurn: number
}

/** What stands for one audio in the prompt: its tokens, placeholders expanded to one id an embedding. */
export type AudioTokens = (audio: number) => readonly number[]

export interface RenderedPrompt {
  ids: number[]
  /** Where each audio's tokens begin in `ids`, in the order in which they stand there. */
  audios: { audio: number; offset: number; length: number }[]
}

/**
 * Renders a conversation and opens the assistant's turn.
 *
 * Every audio part becomes `Audio k: <its tokens>\n`. A default system message is put first when the conversation
 * doesn't begin with one (Qwen2-Audio's processor does the same).
 */
export function renderChatPrompt(
  messages: readonly ChatMessage[],
  options: {
    tokenizer: Tokenizer
    tokens: ChatTemplateTokens
    defaultSystem: string
    audioTokens: AudioTokens
    /** Whether a text part that others follow ends its line; Qwen2-Audio's template puts nothing between them. */
    textEndsLine: boolean
  },
): RenderedPrompt {
  const { tokenizer, tokens, audioTokens, textEndsLine } = options
  const prompt: RenderedPrompt = { ids: [], audios: [] }
  // Neighbouring texts are encoded together, as one who tokenizes the rendered string would.
  let pendingText = ''
  const text = (more: string) => {
    pendingText += more
  }
  const flush = () => {
    prompt.ids.push(...tokenizer.encode(pendingText))
    pendingText = ''
  }
  const special = (id: number) => {
    flush()
    prompt.ids.push(id)
  }
  let audioCount = 0
  const audio = (index: number) => {
    text(`Audio ${++audioCount}: `)
    flush()
    const ids = audioTokens(index)
    prompt.audios.push({ audio: index, offset: prompt.ids.length, length: ids.length })
    for (const id of ids) prompt.ids.push(id)
    text('\n')
  }

  const hasSystem = messages[0]?.role === 'system'
  const conversation: readonly ChatMessage[] = hasSystem
    ? messages
    : [{ role: 'system', content: [{ type: 'text', text: options.defaultSystem }] }, ...messages]
  for (const message of conversation) {
    special(tokens.startOfTurn)
    text(`${message.role}\n`)
    for (const [index, part] of message.content.entries()) {
      const isFollowed = index < message.content.length - 1
      if (part.type === 'audio') audio(part.audio)
      else text(textEndsLine && isFollowed && !part.text.endsWith('\n') ? `${part.text}\n` : part.text)
    }
    special(tokens.endOfTurn)
    text('\n')
  }
  special(tokens.startOfTurn)
  text('assistant\n')
  flush()
  return prompt
}
