/**
 * Every error that leaves Auricle, once: what code it has, which status and type it travels with, whether
 * sending the same request again can help, and what the caller can do. Edge, worker and clients read this table.
 */
import * as z from 'zod'

interface ErrorEntry {
  /** HTTP status of a response that is nothing but this error. */
  status: number
  /** OpenAI's error type: who has to act. */
  type: 'invalid_request_error' | 'authentication_error' | 'rate_limit_error' | 'server_error'
  /** True where the very same request may succeed later. Becomes `x-should-retry`, which the openai client obeys. */
  retryable: boolean
  /** What the caller can do; for documentation and for clients that show more than the message. */
  remedy: string
}

/** The catalogue. A new way to fail is a new row here, never a status written elsewhere. */
export const errorCatalogue = {
  invalid_json: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send a body that is valid JSON, encoded as UTF-8.',
  },
  invalid_multipart: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send a form as RFC 7578 has it; every HTTP client can make one.',
  },
  invalid_request: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Correct the field named in `param`.',
  },
  unsupported_parameter: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Leave the parameter out; docs/openai-parameters.md lists all that are supported.',
  },
  json_schema_unsupported: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Change the schema at the path in `param`; docs/structured-output.md lists what is supported.',
  },
  unsupported_media_type: {
    status: 415,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Set the header `Content-Type` to what the message names.',
  },
  invalid_api_key: {
    status: 401,
    type: 'authentication_error',
    retryable: false,
    remedy: 'Send a valid key in the header `Authorization: Bearer auricle_...`.',
  },
  permission_denied: {
    status: 403,
    type: 'authentication_error',
    retryable: false,
    remedy: 'Use a key that has the scope named in the message.',
  },
  key_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Choose a key that `GET /v1/admin/keys` lists.',
  },
  model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Choose a model that `GET /v1/models` lists.',
  },
  invalid_base64: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Encode the bytes of the audio file as standard base64, without a prefix.',
  },
  ngram_model_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Choose a model that `GET /v1/ngram-models` lists, or make one.',
  },
  ngram_model_invalid: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Correct the text or the model where the message says.',
  },
  audio_empty: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send audio that holds at least one sample.',
  },
  audio_unreadable: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Check that the file plays; convert it to WAV if it does.',
  },
  audio_too_long: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send a shorter recording, or `"long_audio": "chunk"` where the message offers it.',
  },
  audio_format_unsupported: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Convert the audio to WAV, MP3, FLAC, Ogg Vorbis, Opus or AAC.',
  },
  audio_url_unsupported: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send the audio itself (`input_audio`, or an `audio_url` with a data: URL), or its `audio:` id.',
  },
  audio_not_cached: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send the audio itself again; its `audio_id` is then good for further questions.',
  },
  idempotency_key_reused: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Use a new `Idempotency-Key` for a new request.',
  },
  nothing_to_resume: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send the request without `Last-Event-ID` to begin again.',
  },
  file_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Upload the file again; files end when `expires_at` says.',
  },
  upload_not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Begin the upload again with `POST /v1/uploads`.',
  },
  upload_incomplete: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send what is missing, then complete the upload again.',
  },
  audio_url_refused: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send the audio itself, or an http(s) URL that anyone on the internet can reach.',
  },
  audio_url_failed: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy:
      'Check that the URL gives the audio file, within its limits of time and size, to anyone who asks.',
  },
  context_length_exceeded: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Shorten the audio or the conversation, or ask for fewer tokens.',
  },
  payload_too_large: {
    status: 413,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send less at once: compress the audio (Opus, MP3) or cut it.',
  },
  too_many_audio_parts: {
    status: 400,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Send fewer audio parts in one request.',
  },
  not_found: {
    status: 404,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Check the path; `GET /openapi.json` lists all of them.',
  },
  method_not_allowed: {
    status: 405,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'Use a method that the `Allow` header names.',
  },
  request_cancelled: {
    status: 499,
    type: 'invalid_request_error',
    retryable: false,
    remedy: 'The client closed the request; there is nothing to do.',
  },
  invalid_signature: {
    status: 401,
    type: 'authentication_error',
    retryable: false,
    remedy: 'Give worker and edge the same AURICLE_FLEET_SECRET, and clocks that agree within a minute.',
  },
  rate_limit_exceeded: {
    status: 429,
    type: 'rate_limit_error',
    retryable: true,
    remedy: 'Wait as long as `Retry-After` says, then send the request again.',
  },
  overloaded: {
    status: 503,
    type: 'server_error',
    retryable: true,
    remedy: 'Wait as long as `Retry-After` says, then send the request again.',
  },
  worker_unavailable: {
    status: 503,
    type: 'server_error',
    retryable: true,
    remedy: 'Send the request again in a moment; `GET /readyz` says when a worker is ready.',
  },
  worker_failed: {
    status: 502,
    type: 'server_error',
    retryable: true,
    remedy: 'Send the request again; what was streamed before the error is incomplete.',
  },
  deadline_exceeded: {
    status: 504,
    type: 'server_error',
    retryable: true,
    remedy: 'Allow more time, or ask for less.',
  },
  internal_error: {
    status: 500,
    type: 'server_error',
    retryable: true,
    remedy: 'Send the request again; if it keeps failing, report the `x-request-id`.',
  },
} as const satisfies Record<string, ErrorEntry>

/** A code of the catalogue. */
export type ErrorCode = keyof typeof errorCatalogue

/** OpenAI's error body: `{error: {message, type, param, code}}`. */
export const ErrorBody = z.object({
  error: z.object({
    message: z.string(),
    type: z.string(),
    param: z.string().nullable(),
    code: z.string().nullable(),
  }),
})
export type ErrorBody = z.infer<typeof ErrorBody>

/** What an error says beside its code. */
export interface ApiErrorOptions {
  /** What was wrong and what to do, for the caller to read. Never holds audio, text of the user, or a secret. */
  message: string
  /** Path of the field at fault, as in `messages[0].content[1].input_audio.data`. */
  param?: string | null | undefined
  /** Becomes the `Retry-After` header. */
  retryAfterSeconds?: number | undefined
  cause?: unknown
}

/**
 * An error that the caller is meant to see.
 * @example throw new ApiError('audio_empty', { message: 'The audio holds no samples.', param: 'messages[0]' })
 */
export class ApiError extends Error {
  override readonly name = 'ApiError'
  readonly code: ErrorCode
  readonly param: string | null
  readonly retryAfterSeconds: number | undefined

  constructor(code: ErrorCode, options: ApiErrorOptions) {
    super(options.message, options.cause === undefined ? undefined : { cause: options.cause })
    this.code = code
    this.param = options.param ?? null
    this.retryAfterSeconds = options.retryAfterSeconds
  }

  /** HTTP status of the code. */
  get status(): number {
    return errorCatalogue[this.code].status
  }

  /** OpenAI's error type of the code. */
  get type(): string {
    return errorCatalogue[this.code].type
  }

  /** Whether the same request may succeed when sent again. */
  get retryable(): boolean {
    return errorCatalogue[this.code].retryable
  }
}

/** Any thrown value as an ApiError; what isn't one becomes `internal_error` and keeps its secret in `cause`. */
export function toApiError(error: unknown): ApiError {
  if (error instanceof ApiError) return error
  return new ApiError('internal_error', {
    message: 'Something went wrong on our side. Send the request again.',
    cause: error,
  })
}

/** OpenAI's error body for any thrown value; unknown errors show nothing of themselves. */
export function toErrorBody(error: unknown): ErrorBody {
  const { message, type, param, code } = toApiError(error)
  return { error: { message, type, param, code } }
}

/** Headers that go with an error: `x-should-retry` always, `retry-after` (whole seconds) and `connection` where they apply. */
export function toErrorHeaders(error: unknown): Record<string, string> {
  const { code, retryable, retryAfterSeconds } = toApiError(error)
  const headers: Record<string, string> = { 'x-should-retry': String(retryable) }
  // The rest of the body is not read, so the connection can't carry another request.
  if (code === 'payload_too_large') headers['connection'] = 'close'
  if (code === 'invalid_api_key') headers['www-authenticate'] = 'Bearer'
  if (retryAfterSeconds !== undefined)
    headers['retry-after'] = String(Math.max(0, Math.ceil(retryAfterSeconds)))
  return headers
}
