/** What another server says went wrong, as a row of our catalogue. Its words are told where the caller can act on them. */
import { ApiError, type ErrorCode } from '../../protocol/errors.ts'
import { usableParameterNames } from '../../protocol/openai-parameters.ts'
import { unavailable, workerFailed } from '../failures.ts'
import { type Json, objectOf, stringOf } from './json.ts'

/** vLLM has one status and type for all that a caller can do wrong; its words tell what. */
const byWords: readonly (readonly [RegExp, ErrorCode])[] = [
  [/maximum context length|max_model_len|maximum model length|longest allowed/i, 'context_length_exceeded'],
  [/cache miss for audio/i, 'audio_not_cached'],
  [/corrupted audio|error opening|format not recogni[sz]ed|failed to (load|decode)/i, 'audio_unreadable'],
  [/audio .*too short/i, 'audio_empty'],
  [/at most \d+ audio/i, 'too_many_audio_parts'],
]

/**
 * @param status of its answer, or the `code` of an error in a stream
 * @param value what it said: `{error: {message, param}}`, or `{message}` as it was once
 */
export function toOurError(status: number, value: Json | null, retryAfter: string | null = null): ApiError {
  const inner = objectOf(value?.['error']) ?? value
  const words = stringOf(inner?.['message'])
  const theirs = stringOf(inner?.['param'])
  const named = words === null ? undefined : byWords.find(([pattern]) => pattern.test(words))
  // Words of a server that failed may hold what is nobody's business.
  if (words !== null && status < 500 && (named !== undefined || isCallers(status))) {
    const code = named?.[1] ?? (status === 413 ? 'payload_too_large' : 'invalid_request')
    // Its names are those of its insides, where they aren't the request's own.
    const isOurs = theirs !== null && usableParameterNames.includes(theirs)
    return new ApiError(code, { message: words, param: isOurs ? theirs : named ? 'messages' : null })
  }
  const message = `The upstream answered with status ${status}.`
  if (isCallers(status))
    return new ApiError(status === 413 ? 'payload_too_large' : 'invalid_request', { message })
  if (status === 503) return unavailable()
  if (status === 429) {
    const seconds = Number(retryAfter ?? 1)
    return new ApiError('overloaded', { message, retryAfterSeconds: Number.isFinite(seconds) ? seconds : 1 })
  }
  // Also 401 and 404: that the edge was set up with a wrong key or name is not the caller's doing.
  return workerFailed(message)
}

function isCallers(status: number): boolean {
  return status === 400 || status === 413 || status === 422
}
