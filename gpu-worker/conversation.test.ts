import { describe, expect, it } from 'vitest'
import { parseChatCompletionRequest } from '../src/protocol/parse-chat-completion.ts'
import { audioBytes, toConversation } from './conversation.ts'

const request = parseChatCompletionRequest({
  model: 'pocket',
  messages: [
    { role: 'developer', content: 'Be brief.' },
    { role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AQI=', format: 'wav' } }] },
    { role: 'assistant', content: 'Yes.' },
    {
      role: 'user',
      content: [
        { type: 'text', text: 'And this?' },
        { type: 'audio_url', audio_url: { url: 'data:audio/wav;base64,AwQF' } },
      ],
    },
  ],
})

describe('conversation', () => {
  it('numbers audios over all messages and remembers where they stand', () => {
    const { messages, audios } = toConversation(request)
    expect(messages.map(({ role }) => role)).toEqual(['system', 'user', 'assistant', 'user'])
    expect(messages[3]?.content).toEqual([
      { type: 'text', text: 'And this?' },
      { type: 'audio', audio: 1 },
    ])
    expect(audios.map(({ path }) => path)).toEqual(['messages[1].content[0]', 'messages[3].content[1]'])
  })

  it('gives the bytes of both kinds of part', () => {
    const { audios } = toConversation(request)
    expect(audios.map(audio => [...audioBytes(audio, 10)])).toEqual([
      [1, 2],
      [3, 4, 5],
    ])
  })

  it('refuses a file over the limit, by the path of its field', () => {
    const { audios } = toConversation(request)
    expect(() => audioBytes(audios[1]!, 2)).toThrow(
      expect.objectContaining({ code: 'payload_too_large', param: 'messages[3].content[1].audio_url.url' }),
    )
  })
})
