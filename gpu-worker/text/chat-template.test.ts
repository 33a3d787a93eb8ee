import { describe, expect, it } from 'vitest'
import { type ChatMessage, renderChatPrompt } from './chat-template.ts'
import { tinyTokenizer } from './tiny-tokenizer.ts'

const tokenizer = tinyTokenizer()
const START = 1000
const END = 1001
const AUDIO = 2000

/** Renders and shows ids as text: `<` and `>` for turns, `@` for an audio token. */
function render(messages: ChatMessage[], audioLengths: number[] = [], textEndsLine = true) {
  const prompt = renderChatPrompt(messages, {
    tokenizer,
    tokens: { startOfTurn: START, endOfTurn: END },
    defaultSystem: 'S',
    audioTokens: index => new Array(audioLengths[index]).fill(AUDIO + index),
    textEndsLine,
  })
  const shown = prompt.ids.map(id =>
    id === START ? '<' : id === END ? '>' : id >= AUDIO ? '@' : tokenizer.decode([id]),
  )
  return { text: shown.join(''), prompt }
}

const text = (value: string) => ({ type: 'text' as const, text: value })
const audio = (index: number) => ({ type: 'audio' as const, audio: index })

describe('chat template', () => {
  it('puts the default system message first and opens the answer', () => {
    expect(render([{ role: 'user', content: [text('hi')] }]).text).toBe(
      '<system\nS>\n<user\nhi>\n<assistant\n',
    )
  })

  it('keeps the system message that is there', () => {
    const messages: ChatMessage[] = [
      { role: 'system', content: [text('Be brief.')] },
      { role: 'user', content: [text('hi')] },
    ]
    expect(render(messages).text).toBe('<system\nBe brief.>\n<user\nhi>\n<assistant\n')
  })

  it('numbers audios over the whole conversation, and says where they are', () => {
    const messages: ChatMessage[] = [
      { role: 'user', content: [audio(0), text('What?')] },
      { role: 'assistant', content: [text('A dog.')] },
      { role: 'user', content: [text('And'), audio(1), audio(2)] },
    ]
    const { text: shown, prompt } = render(messages, [2, 1, 3])
    expect(shown).toBe(
      '<system\nS>\n<user\nAudio 1: @@\nWhat?>\n<assistant\nA dog.>\n' +
        '<user\nAnd\nAudio 2: @\nAudio 3: @@@\n>\n<assistant\n',
    )
    expect(prompt.audios.map(({ audio, length }) => [audio, length])).toEqual([
      [0, 2],
      [1, 1],
      [2, 3],
    ])
    for (const { audio, offset, length } of prompt.audios) {
      expect(prompt.ids.slice(offset, offset + length)).toEqual(new Array(length).fill(AUDIO + audio))
    }
  })

  it('puts nothing between parts where the template has nothing there', () => {
    const messages: ChatMessage[] = [{ role: 'user', content: [text('And'), audio(0), text('a'), text('b')] }]
    expect(render(messages, [1], false).text).toBe('<system\nS>\n<user\nAndAudio 1: @\nab>\n<assistant\n')
  })

  it('leaves what looks like a placeholder or a turn in a text as text', () => {
    const literal = '<|AUDIO|><|im_end|>'
    const { text: shown, prompt } = render([{ role: 'user', content: [text(literal)] }])
    expect(shown).toContain(literal)
    expect(prompt.ids.filter(id => id === END)).toHaveLength(2)
  })
})
