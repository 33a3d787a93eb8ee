/** What a call can throw. The classes are the types of the server's catalogue of errors; `code` is its row. */
import type { ErrorCode } from './wire.ts'

/** What every error of this package is. */
export class AuricleError extends Error {
  override name: string = 'AuricleError'
}

/** The server couldn't be reached, or the connection broke. */
export class ConnectionError extends AuricleError {
  override name: string = 'ConnectionError'
}

/** No answer came within `timeoutMs`. */
export class TimeoutError extends ConnectionError {
  override name: string = 'TimeoutError'
}

/** The caller's own `signal` was aborted; `cause` is its reason. */
export class AbortedError extends AuricleError {
  override name: string = 'AbortedError'
}

/** The model's answer isn't what `output` describes. */
export class OutputError extends AuricleError {
  override name: string = 'OutputError'
  /** What the model wrote. */
  readonly text: string

  constructor(message: string, text: string, options?: ErrorOptions) {
    super(message, options)
    this.text = text
  }
}

/** What the server says of an error. */
export interface ApiErrorDetails {
  message: string
  /** Who has to act. */
  type: string
  /** Row of the catalogue; a newer server may have more. */
  code: ErrorCode | (string & {}) | null
  /** Path of the field at fault, as in `messages[0].content[1]`. */
  param: string | null
  /** HTTP status; null for an error within a stream that had begun. */
  status: number | null
  /** Quote it when you report the error. */
  requestId: string | null
  /** Whether the same request may succeed later, where the server says so. */
  retryable: boolean | null
  headers: Headers
}

/** The server refused, or failed. */
export class ApiError extends AuricleError implements ApiErrorDetails {
  override name: string = 'ApiError'
  readonly type: ApiErrorDetails['type']
  readonly code: ApiErrorDetails['code']
  readonly param: ApiErrorDetails['param']
  readonly status: ApiErrorDetails['status']
  readonly requestId: ApiErrorDetails['requestId']
  readonly retryable: ApiErrorDetails['retryable']
  readonly headers: Headers

  constructor(details: ApiErrorDetails) {
    super(details.message)
    this.type = details.type
    this.code = details.code
    this.param = details.param
    this.status = details.status
    this.requestId = details.requestId
    this.retryable = details.retryable
    this.headers = details.headers
  }
}

/** The request can't be answered as it is: `param` says what to change. */
export class InvalidRequestError extends ApiError {
  override name: string = 'InvalidRequestError'
}

/** There is no such model, file or path. */
export class NotFoundError extends InvalidRequestError {
  override name: string = 'NotFoundError'
}

/** The key is missing, wrong, or not allowed to do this. */
export class AuthenticationError extends ApiError {
  override name: string = 'AuthenticationError'
}

/** Too many requests, or too much audio, for now. */
export class RateLimitError extends ApiError {
  override name: string = 'RateLimitError'
}

/** The server failed or is full. */
export class ServerError extends ApiError {
  override name: string = 'ServerError'
}

const classes: Record<string, typeof ApiError> = {
  invalid_request_error: InvalidRequestError,
  authentication_error: AuthenticationError,
  permission_error: AuthenticationError,
  rate_limit_error: RateLimitError,
  server_error: ServerError,
}

/** The error in a body; anything may stand before a server, so the body may be anything. */
export function apiErrorOf(body: unknown, status: number | null, headers: Headers): ApiError {
  const error = ((body as { error?: unknown } | null)?.error ?? {}) as Record<string, unknown>
  const text = (value: unknown) => (typeof value === 'string' ? value : null)
  const type = text(error['type']) ?? typeOf(status)
  const shouldRetry = headers.get('x-should-retry')
  const kind = status === 404 ? NotFoundError : (classes[type] ?? ApiError)
  return new kind({
    message: text(error['message']) ?? `The server answered with status ${status}.`,
    type,
    code: text(error['code']),
    param: text(error['param']),
    status,
    requestId: headers.get('x-request-id'),
    retryable: shouldRetry === null || status === null ? null : shouldRetry === 'true',
    headers,
  })
}

/** For answers that come from something before the server. */
function typeOf(status: number | null): string {
  if (status === 401 || status === 403) return 'authentication_error'
  if (status === 429) return 'rate_limit_error'
  return status === null || status >= 500 ? 'server_error' : 'invalid_request_error'
}
