/** What a request ends in whose signal was aborted. */
import { ApiError } from '../src/protocol/errors.ts'
import { timeoutHeader } from '../src/protocol/worker-headers.ts'

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
