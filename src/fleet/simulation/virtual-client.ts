/** A client of the edge: asks, reads at its own pace, perhaps leaves; and says how its request ended. */
import { ErrorBody } from '../../protocol/errors.ts'
import { doneData, ServerSentEventParser } from '../../protocol/sse.ts'
import { type Clock, sleep } from '../clock.ts'
import { expectedTokens } from './virtual-worker.ts'

export interface ClientRequest {
  id: string
  stream: boolean
  tenant: string
  /** An audio that other requests are about as well; null for none. */
  audio: string | null
  timeoutMs: number | null
  /** Leaves after so long; null: stays. */
  leavesAfterMs: number | null
  /** Between two reads. */
  readsEveryMs: number
}

/** How a request ended: exactly one of these. */
export type Ending =
  | { kind: 'complete' }
  | { kind: 'error'; code: string; status: number; begun: boolean }
  | { kind: 'left' }

/**
 * Sends a request and reads its answer to the end.
 * @throws Error when the answer isn't one that a client may get
 */
export async function ask(
  request: ClientRequest,
  edge: (request: Request) => Response | Promise<Response>,
  clock: Clock,
): Promise<Ending> {
  const leaving = new AbortController()
  const callOff =
    request.leavesAfterMs === null ? () => {} : clock.after(request.leavesAfterMs, () => leaving.abort())
  const sent = toRequest(request, leaving.signal)
  try {
    const response = await edge(sent)
    const isStream = (response.headers.get('content-type') ?? '').startsWith('text/event-stream')
    const reader = response.body!.getReader()
    leaving.signal.addEventListener('abort', () => void reader.cancel())
    const pieces = readAll(reader, request, clock)
    const ending = isStream
      ? await readStream(request, pieces)
      : await readWhole(request, response.status, pieces)
    return leaving.signal.aborted && ending.kind !== 'complete' ? { kind: 'left' } : ending
  } finally {
    callOff()
  }
}

function toRequest({ id, stream, timeoutMs, audio, tenant }: ClientRequest, signal: AbortSignal): Request {
  const text = { type: 'text', text: tenant }
  const content = audio === null ? [text] : [text, { type: 'input_audio', input_audio: { data: audio } }]
  const request = new Request('http://edge/v1/chat/completions', {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'x-request-id': id,
      authorization: `Bearer ${tenant}`,
      ...(timeoutMs === null ? {} : { 'x-request-timeout': String(timeoutMs / 1000) }),
    },
    body: JSON.stringify({ model: 'pocket', stream, messages: [{ role: 'user', content }] }),
  })
  // undici's copy of a signal follows the original only as long as nobody collects the request.
  Object.defineProperty(request, 'signal', { value: signal })
  return request
}

async function* readAll(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  { readsEveryMs }: ClientRequest,
  clock: Clock,
): AsyncGenerator<Uint8Array> {
  while (true) {
    const { done, value } = await reader.read()
    if (done) return
    yield value
    if (readsEveryMs > 0) await sleep(clock, readsEveryMs)
  }
}

async function readWhole(
  { id }: ClientRequest,
  status: number,
  pieces: AsyncIterable<Uint8Array>,
): Promise<Ending> {
  const decoder = new TextDecoder()
  let text = ''
  for await (const piece of pieces) text += decoder.decode(piece, { stream: true })
  if (status !== 200) {
    const { error } = ErrorBody.parse(JSON.parse(text))
    return { kind: 'error', code: String(error.code), status, begun: false }
  }
  const { content } = JSON.parse(text) as { content: string }
  if (content !== expectedTokens(id).join('')) throw new Error(`${id} was answered ${content}`)
  return { kind: 'complete' }
}

async function readStream({ id }: ClientRequest, pieces: AsyncIterable<Uint8Array>): Promise<Ending> {
  const parser = new ServerSentEventParser()
  const expected = expectedTokens(id)
  let received = 0
  let ending: Ending | null = null
  for await (const piece of pieces) {
    for (const { data } of parser.push(piece)) {
      if (ending !== null) throw new Error(`${id} got ${data} after its end (${ending.kind})`)
      if (data === doneData) {
        if (received !== expected.length) throw new Error(`${id} was ended after ${received} tokens`)
        ending = { kind: 'complete' }
        continue
      }
      const event = JSON.parse(data) as {
        error?: { code: string }
        choices?: { delta: { content: string } }[]
      }
      if (event.error !== undefined) {
        ending = { kind: 'error', code: event.error.code, status: 200, begun: received > 0 }
        continue
      }
      const token = event.choices![0]!.delta.content
      if (token !== expected[received]) throw new Error(`${id} got ${token} as token ${received}`)
      received++
    }
  }
  if (ending === null) return { kind: 'left' }
  return ending
}
