/** What ends a request before its answer does, and what it ends in then. */
import { ApiError } from '../src/protocol/errors.ts'
import { timeoutHeader, timeoutMsOf } from '../src/protocol/worker-headers.ts'

/** For how long a request is worked on. */
export interface Patience {
  /** By `performance.now()`; null: as long as it takes. */
  deadlineMs: number | null
  /** Aborted when the client leaves, when its time is over, or when what else ends the request is. */
  signal: AbortSignal
}

/** @throws ApiError `invalid_request` for a time limit that is none */
export function patienceOf(request: Request, ...others: AbortSignal[]): Patience {
  const timeoutMs = timeoutMsOf(request)
  const signals = [request.signal, ...others]
  if (timeoutMs !== null) signals.push(AbortSignal.timeout(Math.ceil(timeoutMs)))
  return {
    deadlineMs: timeoutMs === null ? null : performance.now() + timeoutMs,
    signal: AbortSignal.any(signals),
  }
}

/** @throws ApiError `request_cancelled`, or `deadline_exceeded` where the reason is a TimeoutError */
export function throwIfCancelled(signal: AbortSignal): void {
  if (!signal.aborted) return
  if (signal.reason instanceof DOMException && signal.reason.name === 'TimeoutError') {
    throw new ApiError('deadline_exceeded', {
      message: `The answer was not complete in the time that ${timeoutHeader} allows.`,
    })
  }
  throw new ApiError('request_cancelled', { message: 'The client closed the request.' })
}
