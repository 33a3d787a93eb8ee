/** One edge, several kinds of servers behind it: which one answers is told by `model` alone. By the official client. */
import { readFile } from 'node:fs/promises'
import OpenAI, { toFile } from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

/** An edge that runs, with these models behind it. */
export interface SideBySide {
  url: string
  /** Of the models, each another server's. */
  models: readonly { id: string; owner: string }[]
  stop(): Promise<void>
}

const question = new URL('../fixtures/spoken-questions/00.opus', import.meta.url)

/** Asks each model the same, in every way. */
export function describeSideBySide(name: string, start: () => Promise<SideBySide>): void {
  describe(name, () => {
    let target: SideBySide
    let client: OpenAI
    let recording: Buffer
    beforeAll(async () => {
      target = await start()
      client = new OpenAI({ baseURL: `${target.url}/v1`, apiKey: 'none', maxRetries: 0 })
      recording = await readFile(question)
    })
    afterAll(() => target?.stop())

    const messages = (content: OpenAI.ChatCompletionContentPart[]): OpenAI.ChatCompletionMessageParam[] => [
      { role: 'user', content },
    ]
    const heard = (): OpenAI.ChatCompletionContentPart => ({
      type: 'input_audio',
      input_audio: { data: recording.toString('base64'), format: 'opus' as 'wav' },
    })

    test('all of them are listed, each as what it is', async () => {
      const { data } = await client.models.list()
      const owners = new Map(data.map(({ id, owned_by }) => [id, owned_by]))
      for (const { id, owner } of target.models) expect(owners.get(id)).toBe(owner)
    })

    test('the same code asks each, whole and streamed, and usage tells what was heard', async () => {
      for (const { id } of target.models) {
        const whole = await client.chat.completions.create({
          model: id,
          messages: messages([heard(), { type: 'text', text: 'Answer the question.' }]),
          max_tokens: 4,
          temperature: 0,
        })
        expect(whole.model).toBe(id)
        expect(whole.usage!.prompt_tokens_details!.audio_tokens).toBeGreaterThan(0)
        const [audio] = (
          whole.usage as unknown as { audio: { audio_id: string; seconds_received: number }[] }
        ).audio
        expect(audio!.seconds_received).toBeGreaterThan(1)

        const stream = await client.chat.completions.create({
          model: id,
          messages: messages([heard(), { type: 'text', text: 'Answer the question.' }]),
          max_tokens: 4,
          temperature: 0,
          stream: true,
          stream_options: { include_usage: true },
        })
        let text = ''
        let tokens = 0
        for await (const { model, choices, usage } of stream) {
          expect(model).toBe(id)
          text += choices[0]?.delta.content ?? ''
          tokens = usage?.completion_tokens ?? tokens
        }
        expect(text).toBe(whole.choices[0]!.message.content)
        expect(tokens).toBe(whole.usage!.completion_tokens)

        const again = await client.chat.completions.create({
          model: id,
          messages: messages([
            { type: 'audio_url', audio_url: { url: `audio:${audio!.audio_id}` } } as never,
            { type: 'text', text: 'Answer the question.' },
          ]),
          max_tokens: 4,
          temperature: 0,
        })
        expect(again.choices[0]!.message.content).toBe(text)
      }
    })

    test('each writes down what it hears', async () => {
      for (const { id } of target.models) {
        const { text } = await client.audio.transcriptions.create({
          model: id,
          file: await toFile(recording, '00.opus'),
        })
        expect(text).not.toBe('')
      }
    })

    test('a model that nobody has is refused with the names of those that there are', async () => {
      const asked = client.chat.completions.create({
        model: 'nobody',
        messages: [{ role: 'user', content: 'Hello' }],
      })
      for (const { id } of target.models) await expect(asked).rejects.toThrow(id)
    })
  })
}
