/** The server that is tried: one that runs, or one that is started for it. */
import { readFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { ChatCompletion } from '../../../src/protocol/chat-completions.ts'
import { Classification } from '../../../src/protocol/classifications.ts'
import { ErrorBody } from '../../../src/protocol/errors.ts'

/** What is tried, and how it is reached. */
export interface Tried {
  readonly url: string
  readonly model: string
  stop(): Promise<void>
}

/** An answer, and what it took. */
export interface Answered {
  readonly text: string
  /** Of a classification: none of the labels would have been given. */
  readonly declined?: boolean
  readonly tokens: number
  readonly audioSeconds: number
  readonly milliseconds: number
}

/**
 * A server by its URL, or a local one with a model: its id, or the folder of a pack.
 * @throws Error when there is no such server or model
 */
export async function reach(what: string, model: string | null): Promise<Tried> {
  if (/^https?:/.test(what)) return { url: what, model: model ?? 'pocket', stop: async () => {} }
  const manifest = await readFile(join(what, 'pack.json'), 'utf8').catch(() => null)
  const folder = manifest === null ? {} : { AURICLE_MODELS: dirname(resolve(what)) }
  const name = manifest === null ? what : (JSON.parse(manifest) as { name: string }).name
  // Half of the server is loaded with it: only where one is started.
  const { readConfiguration } = await import('../../local/configuration.ts')
  const { startLocal } = await import('../../local/start-local.ts')
  const environment = { ...process.env, ...folder }
  const settings = { ...environment, PORT: '0', AURICLE_LOG_LEVEL: 'silent' }
  const server = await startLocal(readConfiguration(settings), environment)
  try {
    await server.ready()
  } catch (error) {
    await server.stop()
    throw error
  }
  return { url: server.url, model: model ?? name, stop: () => server.stop() }
}

/** Asks about a recording, greedily. @param question null: what is said is the question */
export async function ask(tried: Tried, audio: Uint8Array, question: string | null): Promise<Answered> {
  const data = Buffer.from(audio).toString('base64')
  const content = [
    { type: 'input_audio', input_audio: { data } },
    ...(question === null ? [] : [{ type: 'text', text: question }]),
  ]
  return chat(tried, content)
}

/** Asks the same of the language model alone. */
export function askInText(tried: Tried, question: string): Promise<Answered> {
  return chat(tried, question)
}

/** Which label is best, whether it would be given or not. */
export async function classify(
  tried: Tried,
  audio: Uint8Array,
  labels: readonly string[],
  prompt: string | null,
): Promise<Answered> {
  const input = { type: 'input_audio', input_audio: { data: Buffer.from(audio).toString('base64') } }
  const body = { model: tried.model, audio: input, labels, top_k: 1, ...(prompt !== null && { prompt }) }
  const startMs = performance.now()
  const { label, results, usage } = Classification.parse(await post(tried, '/v1/audio/classifications', body))
  const audioSeconds = usage.audio[0]?.seconds_received ?? 0
  return {
    text: results[0]!.label,
    declined: label === null,
    tokens: 0,
    audioSeconds,
    milliseconds: performance.now() - startMs,
  }
}

async function chat(tried: Tried, content: unknown): Promise<Answered> {
  const body = {
    model: tried.model,
    messages: [{ role: 'user', content }],
    temperature: 0,
    long_audio: 'chunk',
  }
  const startMs = performance.now()
  const { choices, usage } = ChatCompletion.parse(await post(tried, '/v1/chat/completions', body))
  return {
    text: choices[0]!.message.content,
    tokens: usage.completion_tokens,
    audioSeconds: usage.audio.reduce((sum, { seconds_received }) => sum + seconds_received, 0),
    milliseconds: performance.now() - startMs,
  }
}

/** @throws Error with what the server says */
async function post({ url }: Tried, path: string, body: object): Promise<unknown> {
  const key = process.env['AURICLE_API_KEY']
  const response = await fetch(new URL(path, url), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      ...(key !== undefined && { authorization: `Bearer ${key}` }),
    },
    body: JSON.stringify(body),
  })
  const answer: unknown = await response.json()
  if (response.ok) return answer
  throw new Error(ErrorBody.safeParse(answer).data?.error.message ?? `status ${response.status}`)
}
