import { expect, test } from 'vitest'
import { audioPart, Conversation } from './conversation.js'

const clip = (name: string) => ({
  name,
  format: 'wav',
  blob: new Blob(),
  peaks: null,
  seconds: null,
  audioId: null,
})

test('every request carries the questions before it, their recordings and their answers', async () => {
  const conversation = new Conversation()
  expect(conversation.isEmpty).toBe(true)
  conversation.add({ clip: clip('a.wav'), text: 'What is said?' }, 'Hello.')
  conversation.add({ clip: clip('b.wav'), text: '' }, 'Fine.')
  expect(conversation.clipCount).toBe(2)
  expect(conversation.lastClip?.name).toBe('b.wav')
  const messages = await conversation.messagesWith({ clip: null, text: 'And then?' }, clip =>
    audioPart(clip, clip.name),
  )
  const audio = (data: string) => ({ type: 'input_audio', input_audio: { data, format: 'wav' } })
  expect(messages).toEqual([
    { role: 'user', content: [audio('a.wav'), { type: 'text', text: 'What is said?' }] },
    { role: 'assistant', content: 'Hello.' },
    { role: 'user', content: [audio('b.wav')] },
    { role: 'assistant', content: 'Fine.' },
    { role: 'user', content: 'And then?' },
  ])
})
