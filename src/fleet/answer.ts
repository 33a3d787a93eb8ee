/** Answers of workers that aren't streamed: read whole, checked, and passed on. */
import { ErrorBody } from '../protocol/errors.ts'
import { audioSecondsHeader } from '../protocol/worker-headers.ts'
import { brokenOff, cancelled, workerFailed } from './failures.ts'
import type { WorkerResponse } from './worker-fetch.ts'

/** Headers of a worker's answer that reach the client. */
const relayedHeaders = ['content-type', 'retry-after', 'x-should-retry', 'server-timing', audioSecondsHeader]

/** Most bytes of an answer that isn't streamed. */
const maxAnswerBytes = 16 * 1024 * 1024

/** A whole answer of a worker. */
export interface WholeAnswer {
  text: string
  /** The code of the error that it is, null where it isn't one. */
  errorCode: string | null
}

/**
 * Reads a body whole, so that one that breaks becomes an error instead of half an answer.
 * @throws ApiError request_cancelled, worker_failed
 */
export async function readAnswer(response: WorkerResponse, signal: AbortSignal): Promise<WholeAnswer> {
  let text: string
  try {
    text = await readText(response)
  } catch (cause) {
    if (signal.aborted) throw signal.reason ?? cancelled()
    throw brokenOff(cause)
  }
  if (response.ok) return { text, errorCode: null }
  const error = parseError(text)
  if (error === null) {
    throw workerFailed(`The worker answered with status ${response.status} and no readable error.`)
  }
  return { text, errorCode: error.error.code }
}

/**
 * The headers of a worker's answer that the client sees.
 * @param others what the worker doesn't send itself
 */
export function relayHeaders(
  response: WorkerResponse,
  others: Readonly<Record<string, string>> = {},
): Headers {
  const headers = new Headers({ 'cache-control': 'no-store', ...others })
  for (const name of relayedHeaders) {
    const value = response.headers.get(name)
    if (value !== null) headers.set(name, value)
  }
  return headers
}

async function readText(response: WorkerResponse): Promise<string> {
  // No more than was declared can come, so nothing needs to be counted.
  if (Number(response.headers.get('content-length') ?? Number.NaN) <= maxAnswerBytes) return response.text()
  if (response.body === null) return ''
  const decoder = new TextDecoder()
  let text = ''
  for await (const chunk of response.body as unknown as AsyncIterable<Uint8Array>) {
    text += decoder.decode(chunk, { stream: true })
    if (text.length > maxAnswerBytes) throw new RangeError('the answer is too large')
  }
  return text + decoder.decode()
}

function parseError(text: string): ErrorBody | null {
  try {
    return ErrorBody.safeParse(JSON.parse(text)).data ?? null
  } catch {
    return null
  }
}
