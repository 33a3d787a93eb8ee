/**
 * A worker that speaks the protocol and computes nothing, for tests of what stands before it. What the last user
 * message says decides what it does: `status 429` answers with that status, `break` cuts the stream after two tokens,
 * `endless` streams until the client leaves, `work 50` holds a slot for 50 ms (more wait, up to a limit), `slowly ...` takes
 * 30 ms a word, anything else is echoed word by word. A transcript says which recording was asked about.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type {
  ChatCompletion,
  ChatCompletionChunk,
  ChatCompletionRequest,
  Usage,
} from '../../src/protocol/chat-completions.ts'
import {
  ApiError,
  type ErrorCode,
  errorCatalogue,
  toApiError,
  toErrorBody,
} from '../../src/protocol/errors.ts'
import { protocolVersion, type WorkerReadiness } from '../../src/protocol/health.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import type { ModelList } from '../../src/protocol/models.ts'
import { readMultipart } from '../../src/protocol/multipart.ts'
import { parseChatCompletionRequest } from '../../src/protocol/parse-chat-completion.ts'
import { parseTranscriptionForm } from '../../src/protocol/parse-transcription.ts'
import { doneData, serializeEvent } from '../../src/protocol/sse.ts'
import type { Transcription } from '../../src/protocol/transcriptions.ts'

export interface FakeWorker {
  url: string
  port: number
  /** What it has seen since it started. */
  seen: { requests: number; aborts: number; requestIds: string[]; traceparents: (string | undefined)[] }
  /** What it answers to `GET /readyz`. */
  readiness: WorkerReadiness
  stop(): Promise<void>
}

export interface FakeWorkerOptions {
  models?: string[]
  port?: number
}

/** Requests that wait for a slot, as the worker has it by default. */
const maxWaiting = 64

/** Starts one on a loopback port. */
export async function startFakeWorker(options: FakeWorkerOptions = {}): Promise<FakeWorker> {
  const models = options.models ?? ['pocket']
  const readiness: WorkerReadiness = {
    status: 'ready',
    protocol_version: protocolVersion,
    models,
    load: { running: 0, waiting: 0, slots: 8 },
  }
  const seen: FakeWorker['seen'] = { requests: 0, aborts: 0, requestIds: [], traceparents: [] }

  const server = createServer((request, response) => {
    void answer(request, response).catch(error => {
      if (response.headersSent) return response.destroy()
      sendJson(response, toApiError(error).status, toErrorBody(error))
    })
  })

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (request.url === '/readyz')
      return sendJson(response, readiness.status === 'ready' ? 200 : 503, readiness)
    if (request.url === '/healthz') return sendJson(response, 200, { status: 'ok' })
    if (request.url === '/v1/models') return sendJson(response, 200, modelList(models))
    if (request.url === '/v1/chat/completions') return chat(request, response)
    if (request.url === '/v1/audio/transcriptions') return transcribe(request, response)
    throw new ApiError('not_found', { message: 'There is nothing here.' })
  }

  async function chat(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seen.requests++
    seen.traceparents.push(request.headers['traceparent'] as string | undefined)
    seen.requestIds.push(String(request.headers['x-request-id']))
    response.once('close', () => {
      if (!response.writableFinished) seen.aborts++
    })
    const asked = parseChatCompletionRequest(JSON.parse(await readAll(request)))
    const text = lastText(asked)
    const status = /^status (\d+)$/.exec(text)?.[1]
    if (status !== undefined) throw errorOfStatus(Number(status))
    if (text === 'garbage') return void response.writeHead(500, { 'content-type': 'text/plain' }).end('oops')
    if (asked.stream === true) await stream(response, asked, text)
    else if (/^work \d+$/.test(text)) {
      await work(Number(text.slice(5)), response)
      sendJson(response, 200, completion(asked, text))
    } else if (text === 'endless') await new Promise(resolve => response.once('close', resolve))
    else if (text === 'break')
      response.writeHead(200, { 'content-length': '1000' }).write('{', () => response.destroy())
    else sendJson(response, 200, completion(asked, text))
  }

  async function transcribe(request: IncomingMessage, response: ServerResponse): Promise<void> {
    seen.requests++
    const form = await readMultipart(await toRequest(request), {
      maxFileBytes: defaultLimits.maxAudioBytes,
      maxFieldBytes: defaultLimits.maxFieldBytes,
    })
    const { recording } = parseTranscriptionForm(form)
    const text = recording.kind === 'sent' ? `${recording.file.bytes.byteLength} bytes` : recording.fileId
    const transcript: Transcription = { text, no_speech: false, usage: { type: 'duration', seconds: 1 } }
    sendJson(response, 200, transcript)
  }

  const waiting: (() => void)[] = []
  /** Holds a slot; gives up a place in the queue when the client leaves. */
  async function work(milliseconds: number, response: ServerResponse): Promise<void> {
    const { load } = readiness
    if (load.running >= load.slots) {
      if (load.waiting >= maxWaiting) {
        throw new ApiError('overloaded', { message: 'All slots are taken.', retryAfterSeconds: 1 })
      }
      load.waiting++
      await new Promise<void>(resolve => {
        waiting.push(resolve)
        response.once('close', () => {
          const index = waiting.indexOf(resolve)
          if (index >= 0) waiting.splice(index, 1)
          resolve()
        })
      })
      load.waiting--
      if (response.destroyed && load.running < load.slots) waiting.shift()?.()
    }
    if (response.destroyed) return
    load.running++
    await new Promise(resolve => setTimeout(resolve, milliseconds))
    load.running--
    waiting.shift()?.()
  }

  await new Promise<void>(resolve => server.listen(options.port ?? 0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  return {
    url: `http://127.0.0.1:${port}`,
    port,
    seen,
    readiness,
    async stop() {
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

async function stream(response: ServerResponse, asked: ChatCompletionRequest, text: string): Promise<void> {
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  const send = (chunk: ChatCompletionChunk) => response.write(serializeEvent({ data: JSON.stringify(chunk) }))
  const words = text === 'break' || text === 'endless' ? ['one ', 'two '] : text.split(/(?<= )/)
  for (const [index, word] of words.entries()) {
    send(chunkOf(asked, index === 0 ? { role: 'assistant', content: word } : { content: word }, null))
    await new Promise(resolve =>
      text.startsWith('slowly') ? setTimeout(resolve, 30) : setImmediate(resolve),
    )
    if (response.destroyed) return
  }
  if (text === 'break') {
    // In the middle of an event, as a process that dies would leave it.
    response.write('data: {"id":"chatcmpl-f', () => response.destroy())
    return
  }
  while (text === 'endless' && !response.destroyed) {
    send(chunkOf(asked, { content: 'more ' }, null))
    await new Promise(resolve => setTimeout(resolve, 10))
  }
  send(chunkOf(asked, {}, 'stop'))
  if (asked.stream_options?.include_usage) {
    send({ ...chunkOf(asked, {}, null), choices: [], usage: usageOf(text, asked) })
  }
  response.end(serializeEvent({ data: doneData }))
}

function chunkOf(
  asked: ChatCompletionRequest,
  delta: ChatCompletionChunk['choices'][number]['delta'],
  finish: 'stop' | null,
): ChatCompletionChunk {
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion.chunk',
    created: 1_700_000_000,
    model: asked.model,
    choices: [{ index: 0, delta, logprobs: null, finish_reason: finish }],
  }
}

function completion(asked: ChatCompletionRequest, text: string): ChatCompletion {
  return {
    id: 'chatcmpl-fake',
    object: 'chat.completion',
    created: 1_700_000_000,
    model: asked.model,
    choices: Array.from({ length: asked.n ?? 1 }, (_, index) => ({
      index,
      message: { role: 'assistant', content: text, refusal: null },
      logprobs: null,
      finish_reason: 'stop',
    })),
    usage: usageOf(text, asked),
  }
}

/** Tokens are words, and every audio is one second and one token. */
function usageOf(text: string, asked: ChatCompletionRequest): Usage {
  const words = text.split(' ').length
  const parts = asked.messages.flatMap(({ content }) => (typeof content === 'string' ? [] : content))
  const audio = parts
    .filter(part => part.type !== 'text')
    .map((_, index) => ({
      index,
      audio_id: String(index).padStart(64, '0'),
      seconds_received: 1,
      seconds_encoded: 1,
      ranges: [{ start: 0, end: 1 }],
    }))
  return {
    prompt_tokens: words,
    completion_tokens: words,
    total_tokens: 2 * words,
    prompt_tokens_details: { audio_tokens: audio.length, cached_tokens: 0 },
    audio,
  }
}

function lastText(asked: ChatCompletionRequest): string {
  const content = asked.messages.at(-1)!.content
  if (typeof content === 'string') return content
  return content.map(part => (part.type === 'text' ? part.text : `[${part.type}]`)).join(' ')
}

function errorOfStatus(status: number): ApiError {
  const code = Object.entries(errorCatalogue).find(([, entry]) => entry.status === status)?.[0]
  return new ApiError((code ?? 'internal_error') as ErrorCode, { message: `Asked to fail with ${status}.` })
}

function modelList(models: readonly string[]): ModelList {
  return {
    object: 'list',
    data: models.map(id => ({ id, object: 'model', created: 1_700_000_000, owned_by: 'fake' })),
  }
}

async function toRequest(message: IncomingMessage): Promise<Request> {
  const headers = { 'content-type': message.headers['content-type'] ?? '' }
  return new Request('http://worker', { method: 'POST', headers, body: await buffer(message) })
}

async function readAll(request: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of request.setEncoding('utf8')) text += chunk
  return text
}

function sendJson(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
