/** Asks a question over HTTP and reads the answer as it comes, as any client does. */
import { doneData, parseEvents } from '../src/protocol/sse.ts'

export interface ChatQuestion {
  /** A WAV file, or the `audio_id` of one that was sent before; null for text alone. */
  readonly audio: Buffer | string | null
  readonly text: string
  readonly maxTokens: number
}

export interface StreamedAnswer {
  readonly answer: string
  /** From before the request was made up to the first text; null when there was none. */
  readonly firstTokenMs: number | null
  readonly totalMs: number
}

/**
 * @param baseUrl of an edge or a worker
 * @throws Error with what the server said; or the signal's reason
 */
export async function streamChat(
  baseUrl: string,
  { audio, text, maxTokens }: ChatQuestion,
  signal?: AbortSignal,
): Promise<StreamedAnswer> {
  const startedMs = performance.now()
  const response = await fetch(`${baseUrl}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'pocket',
      temperature: 0,
      max_tokens: maxTokens,
      stream: true,
      messages: [
        { role: 'user', content: [...(audio === null ? [] : [audioPart(audio)]), { type: 'text', text }] },
      ],
    }),
    ...(signal && { signal }),
  })
  if (!response.ok || !response.body) throw new Error(`${response.status}: ${await response.text()}`)
  let firstTokenMs: number | null = null
  let answer = ''
  for await (const { data } of parseEvents(response.body)) {
    // Read to its end: a stream that is left takes its connection along.
    if (data === doneData) continue
    const chunk = JSON.parse(data)
    if (chunk.error) throw new Error(chunk.error.message)
    const content = chunk.choices[0]?.delta.content
    if (!content) continue
    firstTokenMs ??= performance.now() - startedMs
    answer += content
  }
  return { answer, firstTokenMs, totalMs: performance.now() - startedMs }
}

function audioPart(audio: Buffer | string): object {
  return typeof audio === 'string'
    ? { type: 'audio_url', audio_url: { url: `audio:${audio}` } }
    : { type: 'input_audio', input_audio: { data: audio.toString('base64'), format: 'wav' } }
}
