import { describe, expect, it } from 'vitest'
import { parseChatCompletionRequest } from '../src/protocol/parse-chat-completion.ts'
import { receiveAudio, toConversation } from './conversation.ts'

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

  it('gives the bytes of both kinds of part, and their hash for an id', async () => {
    const { audios } = toConversation(request)
    const received = await Promise.all(audios.map(audio => receiveAudio(audio, 10)))
    expect(received).toEqual([
      // sha256sum
      {
        kind: 'file',
        id: 'a12871fee210fb8619291eaea194581cbd2531e4b23759d225f6806923f63222',
        bytes: Uint8Array.of(1, 2),
      },
      {
        kind: 'file',
        id: '2848698aa4b3431e3db06c343ca2cb0455f8aaf16c85cdd828c92ddf7dc134f8',
        bytes: Uint8Array.of(3, 4, 5),
      },
    ])
  })

  it('takes the id of an audio for the audio', async () => {
    const id = '0123456789abcdef'.repeat(4)
    const part = { type: 'audio_url', audio_url: { url: `audio:${id.toUpperCase()}` } } as const
    expect(await receiveAudio({ part, path: 'x' }, 10)).toEqual({ kind: 'id', id })
  })

  it('refuses a file over the limit, by the path of its field', async () => {
    const { audios } = toConversation(request)
    await expect(receiveAudio(audios[1]!, 2)).rejects.toMatchObject({
      code: 'payload_too_large',
      param: 'messages[3].content[1].audio_url.url',
    })
  })
})
