import { expect, test } from 'vitest'
import type { ContentPart, Message } from '../protocol/chat-completions.ts'
import { audioKeyOfFile, audioKeysOf, audioKeysOfHead } from './affinity.ts'

const asked = (...content: ContentPart[]): Message[] => [{ role: 'user', content }]
const inline = (data: string): ContentPart => ({ type: 'input_audio', input_audio: { data } })
const url = (text: string): ContentPart => ({ type: 'audio_url', audio_url: { url: text } })
const recording = (seed: number, length = 300_000) =>
  Array.from({ length }, (_, i) => ((i * 7919 + seed * (i % 4096)) % 26) + 97)
    .map(code => String.fromCharCode(code))
    .join('')

test('the same audio has the same key, however it is sent', () => {
  const data = recording(1)
  const [key] = audioKeysOf(asked({ type: 'text', text: 'What is this?' }, inline(data)))
  expect(audioKeysOf(asked(inline(data)))).toEqual([key])
  expect(audioKeysOf(asked(url(`data:audio/wav;base64,${data}`)))).toEqual([key])
  const bytes = new TextEncoder().encode(data)
  expect(audioKeyOfFile(bytes)).toEqual(audioKeyOfFile(bytes.slice()))
})

test('other audio has other keys: in length, at its ends, or throughout', () => {
  const data = recording(1)
  const all = [data, recording(2), `${data}x`, `x${data.slice(1)}`, `${data.slice(0, -1)}!`, 'x', '', 'y']
  const keys = all.map(each => JSON.stringify(audioKeysOf(asked(inline(each)))))
  expect(new Set(keys).size).toBe(all.length)
})

test('a recording that is still coming has the same key, whatever is asked and wherever the body was cut', () => {
  const head = (data: string, question: string, bytes: number) => {
    const text = { type: 'text', text: question }
    const body = { model: 'pocket', messages: [{ role: 'user', content: [text, inline(data)] }] }
    return audioKeysOfHead(new TextEncoder().encode(JSON.stringify(body)).subarray(0, bytes))
  }
  const data = recording(1)
  const keys = head(data, 'What is this?', 100_000)
  expect(keys).toHaveLength(1)
  expect(head(data, 'And "that"?', 200_000)).toEqual(keys)
  expect(head(recording(2), 'What is this?', 100_000)).not.toEqual(keys)
  expect(head(data.slice(0, 1_000), 'a long question '.repeat(3_000), 100_000)).toEqual([])
})

test('audio that was sent before is known by its id; the conversation`s first audio comes first', () => {
  const messages: Message[] = [
    ...asked(url('audio:abc'), inline('AAAA')),
    { role: 'assistant', content: 'Yes.' },
    ...asked(url('https://example.com/a.wav')),
  ]
  expect(audioKeysOf(messages).map(key => (key.kind === 'cached' ? key.id : key.kind))).toEqual([
    'abc',
    'content',
    'content',
  ])
})
