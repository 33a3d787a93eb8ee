/** What goes wrong between edge and workers, as errors of the catalogue. */
import { ApiError } from '../protocol/errors.ts'

export function cancelled(): ApiError {
  return new ApiError('request_cancelled', { message: 'The client closed the request.' })
}

export function tooSlow(cause?: unknown): ApiError {
  return new ApiError('deadline_exceeded', { message: 'The worker did not answer in time.', cause })
}

export function workerFailed(message: string, cause?: unknown): ApiError {
  return new ApiError('worker_failed', { message, cause })
}

export function brokenOff(cause?: unknown): ApiError {
  return workerFailed(
    'The worker broke off while it answered; the answer is incomplete. Send the request again.',
    cause,
  )
}

export function unavailable(cause?: unknown): ApiError {
  return new ApiError('worker_unavailable', {
    message: 'No worker for this model is ready. Send the request again in a moment.',
    retryAfterSeconds: 1,
    cause,
  })
}

/** @param waitMs until a worker is free for one more, @param excessMs how much that is too long for the request */
export function overloaded({ waitMs, excessMs }: { waitMs: number; excessMs: number }): ApiError {
  const excessSeconds = Math.max(1, Math.ceil(excessMs / 1000))
  const wait = (waitMs / 1000).toFixed(waitMs < 10_000 ? 1 : 0)
  return new ApiError('overloaded', {
    message: `All workers for this model are busy for about ${wait} s. Send the request again after Retry-After.`,
    retryAfterSeconds: excessSeconds,
  })
}

export function modelNotFound(model: string, models: readonly string[]): ApiError {
  const name = model.length > 64 ? `${model.slice(0, 64)}…` : model
  const offer = models.length === 0 ? 'No model is served now.' : `Use one of: ${models.join(', ')}.`
  return new ApiError('model_not_found', {
    message: `The model '${name}' does not exist. ${offer}`,
    param: 'model',
  })
}

/** Whether an error is one of time: ours, the machine's, or undici's. */
export function isTimeout(error: unknown): boolean {
  if (!(error instanceof Error)) return false
  const code = (error.cause as { code?: unknown } | undefined)?.code
  return error.name === 'TimeoutError' || code === 'UND_ERR_HEADERS_TIMEOUT'
}
