import { describe, expect, it } from 'vitest'
import type { ApiError } from '../src/protocol/errors.ts'
import { fitChat, groupWindows } from './fit-chat.ts'
import type { ChatModel, EncodedAudio, EncodedWindow } from './model/chat-model.ts'

const windowOf = (tokens: number, startSeconds = 0): EncodedWindow => ({
  ids: new Array(tokens).fill(7),
  rows: new Float32Array(tokens),
  startSeconds,
  endSeconds: startSeconds + 30,
  transcript: null,
  unbiasedTranscript: null,
})

/** A model whose prompts are ten tokens and the audio's. */
const modelWith = (contextLength: number): ChatModel =>
  ({
    engine: { contextLength },
    renderChat: (_messages: unknown, audios: readonly EncodedAudio[]) => {
      const audioTokens = audios.flatMap(audio => audio.windows).reduce((sum, { ids }) => sum + ids.length, 0)
      return {
        prompt: { ids: new Int32Array(10 + audioTokens), embeddings: new Float32Array(0) },
        audioTokens,
      }
    },
  }) as unknown as ChatModel

const audio: EncodedAudio = {
  id: 'a',
  windows: [windowOf(50), windowOf(50, 30), windowOf(50, 60)],
  durationSeconds: 90,
  contentHash: 'h',
}
const fitted = (contextLength: number, longAudio: 'error' | 'chunk', audios = [audio]) =>
  fitChat([], audios, { model: modelWith(contextLength), checkpoint: 'c', answerTokens: 20, longAudio })

describe('fitting a chat', () => {
  it('takes whole what fits', () => {
    expect(fitted(200, 'error')).toHaveLength(1)
  })

  it('refuses what does not, with the numbers and the remedy', () => {
    expect(() => fitted(130, 'error')).toThrow(
      /160 tokens \(150 of them audio\).*holds 130.*"long_audio": "chunk"/,
    )
    expect(() => fitted(130, 'chunk', [audio, audio])).toThrow(/fewer of them/)
  })

  it('takes a long audio in parts where asked to, every window once', () => {
    const parts = fitted(140, 'chunk')
    expect(parts.map(({ audioTokens }) => audioTokens)).toEqual([100, 50])
  })

  it('refuses when a single window is too large', () => {
    let error: ApiError | undefined
    try {
      fitted(60, 'chunk')
    } catch (thrown) {
      error = thrown as ApiError
    }
    expect(error?.code).toBe('context_length_exceeded')
  })
})

it('groups consecutive windows', () => {
  const windows = [30, 30, 50, 10, 60].map(tokens => windowOf(tokens))
  expect(groupWindows(windows, 60)?.map(group => group.map(({ ids }) => ids.length))).toEqual([
    [30, 30],
    [50, 10],
    [60],
  ])
  expect(groupWindows(windows, 59)).toBeNull()
})
