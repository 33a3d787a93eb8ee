// @ts-check
/** The page's client of the API: models, and chat answers as they come. */
import { keyHeaders } from './api-key.js'
import { readEventData } from './server-sent-events.js'

/**
 * @typedef {{type: 'text', text: string}
 *   | {type: 'input_audio', input_audio: {data: string, format?: string}}
 *   | {type: 'audio_url', audio_url: {url: string}}} Part `audio:<id>` for audio that the server has heard
 * @typedef {{role: 'user' | 'assistant' | 'system', content: string | Part[]}} Message
 * @typedef {{model: string, messages: Message[], long_audio?: 'error' | 'chunk'}} ChatRequest
 *
 * @typedef {{start: number, end: number}} SecondsRange
 * @typedef {{index: number, audio_id?: string, seconds_received: number, seconds_encoded: number, ranges: SecondsRange[]}} AudioCoverage
 * @typedef {object} Usage
 * @property {number} prompt_tokens
 * @property {number} completion_tokens
 * @property {{audio_tokens?: number}} [prompt_tokens_details]
 * @property {AudioCoverage[]} [audio] seconds; one entry an audio of the conversation
 *
 * @typedef {{type: 'text', text: string} | {type: 'finish', reason: string} | {type: 'usage', usage: Usage}} ChatEvent
 */

/** What the server said went wrong, or that it couldn't be reached. */
export class ServerError extends Error {
  /**
   * @param {string} message what happened and, from this project's servers, what to do about it
   * @param {{code?: string | undefined, remedy?: string | undefined, status?: number | undefined}} [details]
   */
  constructor(message, { code, remedy, status } = {}) {
    super(message)
    this.name = 'ServerError'
    this.code = code
    this.remedy = remedy
    this.status = status
  }
}

/**
 * @param {AbortSignal} [signal]
 * @returns {Promise<string[]>} the ids of the models that chat, as the server lists them
 * @throws {ServerError}
 */
export async function listModels(signal) {
  const response = await send('v1/models', signal ? { signal } : {})
  const { data } = await response.json()
  return data
    .filter((/** @type {any} */ model) => !model.tasks || model.tasks.includes('chat'))
    .map((/** @type {any} */ model) => String(model.id))
}

/**
 * Asks, and yields what comes: text, then why it ended, then what was counted.
 * @param {ChatRequest} request
 * @param {AbortSignal} signal aborting stops the work on the server too
 * @returns {AsyncGenerator<ChatEvent, void, void>}
 * @throws {ServerError} also in the middle of an answer; DOMException AbortError after an abort
 */
export async function* streamChat(request, signal) {
  const response = await send('v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ ...request, stream: true, stream_options: { include_usage: true } }),
    signal,
  })
  if (!response.body) throw new ServerError('The server answered without a body.')
  let complete = false
  for await (const data of readEventData(response.body)) {
    if (data === '[DONE]') {
      complete = true
      break
    }
    const chunk = JSON.parse(data)
    if (chunk.error) throw errorOf(chunk, response.status)
    const choice = chunk.choices?.[0]
    if (choice?.delta?.content) yield { type: 'text', text: choice.delta.content }
    if (choice?.finish_reason) yield { type: 'finish', reason: choice.finish_reason }
    if (chunk.usage) yield { type: 'usage', usage: chunk.usage }
  }
  if (!complete)
    throw new ServerError('The answer broke off: the connection to the server was lost. Ask again.')
}

/**
 * @param {string} path
 * @param {RequestInit} init
 */
async function send(path, init) {
  let response
  try {
    response = await fetch(path, { ...init, headers: { ...init.headers, ...keyHeaders() } })
  } catch (error) {
    if (init.signal?.aborted) throw error
    throw new ServerError("The server can't be reached. Is it running?", { code: 'connection' })
  }
  if (response.ok) return response
  throw errorOf(await response.json().catch(() => ({})), response.status)
}

/**
 * @param {{error?: {message?: string, code?: string | null, remedy?: string}}} body
 * @param {number} status
 */
function errorOf(body, status) {
  const { message, code, remedy } = body.error ?? {}
  return new ServerError(message ?? `The server answered with status ${status}.`, {
    code: code ?? undefined,
    remedy,
    status,
  })
}
