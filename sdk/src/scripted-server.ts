/** For tests: a fetch that answers from a list and keeps what it was sent. */
import { Auricle } from './client.ts'
import type { ClientOptions } from './transport.ts'

/** An answer, or what makes one, or an error that fetch throws. */
export type Scripted = Response | Error | ((request: Request) => Response | Promise<Response>)

/** A client whose server says what the script says. */
export function scriptedClient(
  script: Scripted[],
  options: ClientOptions = {},
): { client: Auricle; requests: Request[] } {
  const requests: Request[] = []
  const scriptedFetch: typeof fetch = async (input, init) => {
    const request = new Request(input, init)
    requests.push(request.clone())
    const next = script.shift()
    if (next === undefined) throw new Error('no answer is left in the script')
    if (next instanceof Error) throw next
    return typeof next === 'function' ? next(request) : next
  }
  const client = new Auricle({ baseUrl: 'http://server.test', fetch: scriptedFetch, ...options })
  return { client, requests }
}

/** An answer of the catalogue, to be sent again at once. */
export function refusal(status: number, headers: Record<string, string> = {}): Response {
  const error = { message: 'No.', type: 'server_error', param: null, code: null }
  return Response.json({ error }, { status, headers: { 'retry-after-ms': '0', ...headers } })
}

/** A stream of these data. */
export function eventStream(...data: (string | object)[]): Response {
  const text = data
    .map(each => `data: ${typeof each === 'string' ? each : JSON.stringify(each)}\n\n`)
    .join('')
  return new Response(text, { headers: { 'content-type': 'text/event-stream' } })
}

/** A chunk of a streamed answer. */
export function chunk(content: string, finish: 'stop' | 'length' | null = null): object {
  const choices = [{ index: 0, delta: { content }, finish_reason: finish }]
  return { id: 'chatcmpl-1', object: 'chat.completion.chunk', created: 1, model: 'pocket', choices }
}

/** The whole answer. */
export function completion(content: string, finish: 'stop' | 'length' = 'stop'): Response {
  const message = { role: 'assistant', content, refusal: null }
  const choices = [{ index: 0, message, logprobs: null, finish_reason: finish }]
  return Response.json({ id: 'chatcmpl-1', object: 'chat.completion', created: 1, model: 'pocket', choices })
}
