/** A conversation rendered by the chat template, its audios spliced in: what all models that chat have in common. */
import type { PromptSpan, TokenEmbeddings } from '../engine/types.ts'
import { type ChatMessage, renderChatPrompt } from '../text/chat-template.ts'
import type { Tokenizer } from '../text/tokenizer.ts'
import type { EncodedAudio, RenderedChat } from './chat-model.ts'
import { spliceAudio } from './splice.ts'

/** How a model's conversations look. */
export interface ChatFormat {
  readonly tokenizer: Tokenizer
  readonly tokens: { readonly start_of_turn: number; readonly end_of_turn: number; readonly audio: number }
  readonly defaultSystem: string
  /** @see renderChatPrompt */
  readonly textEndsLine: boolean
}

/**
 * @param audios that the messages' parts refer to by index
 * @param embeddings of every id but the placeholder
 */
export function renderChat(
  messages: readonly ChatMessage[],
  audios: readonly EncodedAudio[],
  { tokenizer, tokens, defaultSystem, textEndsLine }: ChatFormat,
  embeddings: Pick<TokenEmbeddings, 'hiddenSize' | 'lookup'>,
): RenderedChat {
  const rendered = renderChatPrompt(messages, {
    tokenizer,
    tokens: { startOfTurn: tokens.start_of_turn, endOfTurn: tokens.end_of_turn },
    defaultSystem,
    audioTokens: index => audios[index]!.windows.flatMap(window => window.ids),
    textEndsLine,
  })
  const windows = rendered.audios.flatMap(({ audio }) => audios[audio]!.windows)
  const spliced = spliceAudio(rendered.ids, windows, tokens.audio, embeddings)
  // As the answer would have it, behind something else: with a space before it.
  const said = windows.map(({ transcript }) => (transcript === null ? '' : ` ${transcript}`)).join('')
  const heard = Int32Array.from(tokenizer.encode(said))
  const spans: PromptSpan[] = rendered.audios.map(({ audio, offset, length }) => ({
    start: offset,
    end: offset + length,
    contentHash: audios[audio]!.contentHash,
  }))
  return {
    prompt: { ...spliced, spans, heard },
    audioTokens: spans.reduce((sum, span) => sum + span.end - span.start, 0),
  }
}
