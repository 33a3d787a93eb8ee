/** Asks a running server about an audio file, as any client would. */
import { readFile } from 'node:fs/promises'
import OpenAI from 'openai'

export interface Asked {
  text: string
  completion: OpenAI.ChatCompletion
}

/**
 * @param file where it lies, or what it holds
 * @param question nothing for voice chat: the audio alone is the message
 */
export async function askAbout(
  baseUrl: string,
  file: string | URL | Uint8Array,
  question: string | null,
  model = 'pocket',
): Promise<Asked> {
  const client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000 })
  const bytes = file instanceof Uint8Array ? file : await readFile(file)
  const data = Buffer.from(bytes).toString('base64')
  // The bytes decide what it is; the client's types only know two names.
  const content: OpenAI.ChatCompletionContentPart[] = [
    { type: 'input_audio', input_audio: { data, format: 'wav' } },
  ]
  if (question !== null) content.push({ type: 'text', text: question })
  const completion = await client.chat.completions.create({ model, messages: [{ role: 'user', content }] })
  return { text: completion.choices[0]!.message.content ?? '', completion }
}

/** As `askAbout`, without audio. */
export async function ask(baseUrl: string, question: string, model = 'pocket'): Promise<string> {
  const client = new OpenAI({ baseURL: `${baseUrl}/v1`, apiKey: 'none', maxRetries: 0, timeout: 120_000 })
  const messages: OpenAI.ChatCompletionMessageParam[] = [{ role: 'user', content: question }]
  const completion = await client.chat.completions.create({ model, messages })
  return completion.choices[0]!.message.content ?? ''
}
