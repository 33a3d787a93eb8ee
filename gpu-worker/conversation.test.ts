import { describe, expect, it } from 'vitest'
import { parseChatCompletionRequest } from '../src/protocol/parse-chat-completion.ts'
import type { AudioSources } from './audio-sources.ts'
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

let asked: string[][] = []
/** Sources of one byte each, which remember what was asked of them. */
const sources: AudioSources = {
  readFile: async (id, { tenant, param }) => {
    asked.push([id, tenant, param])
    return Uint8Array.of(7)
  },
  fetchUrl: async (url, { tenant, param }) => {
    asked.push([url, tenant, param])
    return Uint8Array.of(8)
  },
}

function receiving(maxBytes = 10) {
  asked = []
  return { sources, tenant: 'acme', maxBytes, signal: new AbortController().signal }
}

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
    const received = await Promise.all(audios.map(audio => receiveAudio(audio, receiving())))
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
    expect(await receiveAudio({ part, path: 'x' }, receiving())).toEqual({ kind: 'id', id })
  })

  it('refuses a file over the limit, by the path of its field', async () => {
    const { audios } = toConversation(request)
    await expect(receiveAudio(audios[1]!, receiving(2))).rejects.toMatchObject({
      code: 'payload_too_large',
      param: 'messages[3].content[1].audio_url.url',
    })
  })

  it('gets a file and a URL from their sources, for the tenant', async () => {
    const id = `file-${'0123456789abcdef'.repeat(2)}`
    const kinds = [
      { type: 'file', file: { file_id: id } },
      { type: 'audio_url', audio_url: { url: `file:${id}` } },
      { type: 'audio_url', audio_url: { url: 'https://audio.example/a.wav' } },
    ] as const
    const context = receiving()
    const received = kinds.map(part => receiveAudio({ part, path: 'x' }, context))
    expect((await Promise.all(received)).map(audio => audio.kind === 'file' && [...audio.bytes])).toEqual([
      [7],
      [7],
      [8],
    ])
    expect(asked).toEqual([
      [id, 'acme', 'x.file.file_id'],
      [id, 'acme', 'x.audio_url.url'],
      ['https://audio.example/a.wav', 'acme', 'x.audio_url.url'],
    ])
  })
})
