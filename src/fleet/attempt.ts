/** One request to one worker, up to its first event or its whole answer, and what that means for another attempt. */
import { ApiError } from '../protocol/errors.ts'
import { timeoutHeader } from '../protocol/worker-headers.ts'
import { readAnswer, relayHeaders } from './answer.ts'
import type { WorkerAddress } from './choose.ts'
import { type Clock, timeoutSignal } from './clock.ts'
import { brokenOff, cancelled, isTimeout, tooSlow, unavailable } from './failures.ts'
import type { ForwardedRequest } from './forwarded-request.ts'
import { openRelay, type RelayEnd } from './relay.ts'
import type { Journey, Outcome } from './traffic.ts'
import { toUpstream, type UpstreamRequest, type UpstreamTools } from './upstream-request.ts'
import type { WorkerFetch, WorkerResponse } from './worker-fetch.ts'

/** What came of it. Where nothing reached the client another worker may be asked. */
export type Attempt =
  | { kind: 'answered'; response: Response }
  /** It did nothing for the request: it can't be reached, has no room, isn't ready, or doesn't hold the audio. */
  | {
      kind: 'refused'
      reason: 'unreachable' | 'full' | 'not-ready' | 'not-cached'
      error: ApiError
      response: Response | null
      retryAfterMs: number
    }
  /** It may have begun to work, and answered badly or not at all. */
  | { kind: 'failed'; error: ApiError; response: Response | null }

export interface AttemptOptions {
  fetch: WorkerFetch
  clock: Clock
  /** When the client's patience ends; null for never. */
  deadlineMs: number | null
  journey: Journey
  /** For servers that aren't ours. */
  tools: UpstreamTools
  /** Aborts this attempt alone. */
  signal?: AbortSignal
}

/**
 * Sends a request to a worker.
 * @throws ApiError request_cancelled when the client has left, deadline_exceeded, and what a server that isn't ours can't do
 */
export async function attempt(
  worker: WorkerAddress,
  request: ForwardedRequest,
  options: AttemptOptions,
): Promise<Attempt> {
  const { clock, deadlineMs, journey } = options
  const upstream = new AbortController()
  const timer = deadlineMs === null ? null : timeoutSignal(clock, Math.max(0, deadlineMs - clock.now()))
  const signals = [request.signal, upstream.signal, options.signal, timer?.signal]
  const signal = AbortSignal.any(signals.filter(each => each !== undefined))
  /** For the answer to the client, once the worker's is seen or given up. */
  const end = (outcome: Outcome) => {
    timer?.clear()
    journey.end(outcome, clock.now())
  }
  /** What was given up, by us or by the client, is not the worker's failure. */
  const endOf = (outcome: Outcome): Outcome => {
    if (outcome !== 'failed') return outcome
    if (request.signal.aborted || options.signal?.aborted) return 'neither'
    return timer?.signal.aborted ? 'late' : 'failed'
  }
  const rethrow = (cause: unknown): void => {
    if (request.signal.aborted) throw cancelled()
    if (timer?.signal.aborted || isTimeout(cause)) throw tooSlow(cause)
  }

  let asked: UpstreamRequest
  try {
    asked = await toUpstream(worker, request, options.tools)
  } catch (cause) {
    end('neither')
    rethrow(cause)
    // Nothing was sent: the caller is told, whoever else could be asked.
    throw cause
  }
  let response: WorkerResponse
  try {
    response = await options.fetch(asked.url, {
      method: 'POST',
      headers: withTimeout(asked.headers, deadlineMs === null ? null : deadlineMs - clock.now()),
      body: asked.body,
      signal,
      redirect: worker.openai === undefined ? 'manual' : 'follow',
      // A body that is still coming is sent before the answer is read.
      ...(asked.body instanceof ReadableStream && { duplex: 'half' }),
    })
  } catch (cause) {
    end(endOf('failed'))
    rethrow(cause)
    const error = unavailable(cause)
    return { kind: 'refused', reason: 'unreachable', error, response: null, retryAfterMs: 0 }
  }

  try {
    const type = response.headers.get('content-type') ?? ''
    // Asking for the body makes a stream of it, and a whole answer is read without one.
    if (response.ok && type.startsWith('text/event-stream') && response.body !== null) {
      const body = await openRelay(response.body, {
        abort: () => upstream.abort(),
        ended: how => end(endOf(outcomeOf(how))),
        errorOf: cause => (timer?.signal.aborted ? tooSlow(cause) : brokenOff(cause)),
        ...(asked.rewriteEvent === null ? {} : { rewrite: asked.rewriteEvent }),
      })
      return {
        kind: 'answered',
        response: new Response(body, { headers: relayHeaders(response, asked.answerHeaders) }),
      }
    }
    const ours = asked.normalize === null ? response : await asked.normalize(response)
    const answer = await readAnswer(ours, signal)
    return whole(ours, answer, asked.answerHeaders, end)
  } catch (cause) {
    end(endOf('failed'))
    upstream.abort()
    rethrow(cause)
    return { kind: 'failed', error: cause instanceof ApiError ? cause : brokenOff(cause), response: null }
  }
}

function outcomeOf(how: RelayEnd): Outcome {
  switch (how) {
    case 'complete':
      return 'succeeded'
    case 'late':
      return 'late'
    case 'left':
      return 'neither'
    default:
      return 'failed'
  }
}

function whole(
  response: WorkerResponse,
  { text, errorCode }: Awaited<ReturnType<typeof readAnswer>>,
  headers: Readonly<Record<string, string>>,
  end: (outcome: Outcome) => void,
): Attempt {
  const { status } = response
  const answer = new Response(text, { status, headers: relayHeaders(response, headers) })
  // Where it doesn't say for how long, it may have room the next moment.
  const retryAfterMs = Number(response.headers.get('retry-after') ?? 0) * 1000
  if (status === 503) {
    end('neither')
    const reason = errorCode === 'worker_unavailable' ? 'not-ready' : 'full'
    return { kind: 'refused', reason, error: unavailable(), response: answer, retryAfterMs }
  }
  if (errorCode === 'audio_not_cached') {
    end('answered')
    return { kind: 'refused', reason: 'not-cached', error: unavailable(), response: answer, retryAfterMs }
  }
  if (status >= 500) {
    // What took too long was not the worker's failure, and would take as long elsewhere.
    end(status === 504 ? 'late' : 'failed')
    if (status !== 504) return { kind: 'failed', error: brokenOff(), response: answer }
  } else end(response.ok ? 'succeeded' : 'answered')
  return { kind: 'answered', response: answer }
}

/** Adds what is left of the client's patience, not what it was when the request came. */
function withTimeout(headers: Record<string, string>, remainingMs: number | null): Record<string, string> {
  if (remainingMs === null) return headers
  return { ...headers, [timeoutHeader]: String(Math.max(1, Math.floor(remainingMs)) / 1000) }
}
