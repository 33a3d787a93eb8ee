/** Serves web/ and a chat endpoint that answers by script: the page is tested without a model. */
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'

/** What the chat endpoint does next. */
export type Reply =
  | { kind: 'answer'; words: string[]; usage?: object; finishReason?: string; wordEveryMs?: number }
  /** Says these words and then nothing more until the page leaves. */
  | { kind: 'hang'; words: string[] }
  | { kind: 'refuse'; status: number; error: object }
  /** An error in the middle of the stream. */
  | { kind: 'break'; words: string[]; error: object }
  /** The connection ends without `[DONE]`. */
  | { kind: 'cut'; words: string[] }

export interface FakeServer {
  readonly url: string
  /** The chat requests received, parsed. */
  readonly requests: {
    model: string
    messages: { role: string; content: unknown }[]
    [key: string]: unknown
  }[]
  /** How many of them the page gave up. */
  readonly aborted: () => number
  /** Taken in order; the last one stays. */
  readonly replies: Reply[]
  samples: { file: string; title: string; question?: string; body: Buffer }[]
  modelsStatus: number
  /** The key that it asks for; null: none. */
  key: string | null
  /** Every URL that it was asked for, and the keys that came with it. */
  readonly seen: { url: string; authorization: string | undefined }[]
  close(): Promise<void>
}

const TYPES: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css',
  '.js': 'text/javascript',
  '.svg': 'image/svg+xml',
}

const WEB = new URL('../../web/', import.meta.url).pathname

/** Starts on a free port of the loopback interface. */
export async function startFakeServer(): Promise<FakeServer> {
  const requests: FakeServer['requests'] = []
  const replies: Reply[] = []
  const seen: FakeServer['seen'] = []
  let aborted = 0

  const server = createServer(async (request, response) => {
    const path = new URL(request.url ?? '/', 'http://localhost').pathname
    const { authorization } = request.headers
    seen.push({ url: request.url ?? '', authorization })
    if (path.startsWith('/v1/') && fake.key !== null && authorization !== `Bearer ${fake.key}`) {
      return sendJson(response, 401, { error: invalidKey })
    }
    if (path === '/v1/models') return sendJson(response, fake.modelsStatus, models(fake.modelsStatus))
    if (path === '/v1/chat/completions') return chat(request, response)
    if (path === '/samples/samples.json') {
      const samples = fake.samples.map(({ body: _, ...sample }) => sample)
      return sendJson(response, samples.length > 0 ? 200 : 404, { samples })
    }
    const sample = fake.samples.find(({ file }) => path === `/samples/${file}`)
    if (sample) return response.end(sample.body)
    try {
      const file = await readFile(join(WEB, path === '/' ? 'index.html' : path))
      response.writeHead(200, {
        'content-type': TYPES[extname(path === '/' ? '.html' : path)] ?? 'text/html',
      })
      response.end(file)
    } catch {
      sendJson(response, 404, {})
    }
  })

  async function chat(request: IncomingMessage, response: ServerResponse) {
    requests.push(JSON.parse(await textOf(request)))
    const reply = (replies.length > 1 ? replies.shift() : replies[0]) ?? {
      kind: 'answer',
      words: ['Nothing.'],
    }
    if (reply.kind === 'refuse') return sendJson(response, reply.status, { error: reply.error })
    let gone = false
    response.on('close', () => {
      gone = !response.writableEnded
      if (gone) aborted++
    })
    response.writeHead(200, { 'content-type': 'text/event-stream' })
    const send = (data: object) => response.write(`data: ${JSON.stringify(data)}\n\n`)
    send(chunk({ delta: { role: 'assistant', content: '' } }))
    for (const word of reply.words) {
      if (gone) return
      send(chunk({ delta: { content: word } }))
      if (reply.kind === 'answer' && reply.wordEveryMs) {
        await new Promise(resolve => setTimeout(resolve, reply.wordEveryMs))
      }
    }
    if (reply.kind === 'hang') return
    if (reply.kind === 'cut') return response.destroy()
    if (reply.kind === 'break') {
      send({ error: reply.error })
      return response.end()
    }
    send(chunk({ delta: {}, finish_reason: reply.finishReason ?? 'stop' }))
    if (reply.usage) send({ ...chunk(null), choices: [], usage: reply.usage })
    response.end('data: [DONE]\n\n')
  }

  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const fake: FakeServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    requests,
    replies,
    aborted: () => aborted,
    samples: [],
    modelsStatus: 200,
    key: null,
    seen,
    async close() {
      server.closeAllConnections()
      await new Promise(resolve => server.close(resolve))
    },
  }
  return fake
}

const invalidKey = {
  message: 'The API key is not valid: it is misspelt, expired or revoked. Send another one.',
  code: 'invalid_api_key',
}

function models(status: number) {
  if (status !== 200)
    return { error: { message: 'The model is still loading. Wait a few seconds.', code: 'model_loading' } }
  return {
    object: 'list',
    data: [
      { id: 'whisper-tiny.en', object: 'model', tasks: ['transcription'] },
      { id: 'pocket', object: 'model', tasks: ['chat'] },
    ],
  }
}

function chunk(choice: object | null) {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 0,
    model: 'pocket',
    choices: choice ? [{ index: 0, finish_reason: null, ...choice }] : [],
  }
}

async function textOf(request: IncomingMessage): Promise<string> {
  const pieces: Buffer[] = []
  for await (const piece of request) pieces.push(piece)
  return Buffer.concat(pieces).toString()
}

function sendJson(response: ServerResponse, status: number, body: object) {
  response.writeHead(status, { 'content-type': 'application/json' })
  response.end(JSON.stringify(body))
}
