/** Reads a request's body, never more of it than is allowed. */
import { concatBytes } from './concat-bytes.ts'
import { ApiError } from './errors.ts'

/**
 * All bytes of a body. What is over the limit is neither kept nor waited for.
 * @throws ApiError `payload_too_large`: by the declared length at once, by the counted length as soon as it is over
 */
export async function readBody(request: Request, maxBytes: number): Promise<Uint8Array> {
  const declared = Number(request.headers.get('content-length') ?? Number.NaN)
  if (declared > maxBytes) throw bodyTooLarge(maxBytes)
  if (request.body === null) return new Uint8Array(0)
  const reader = request.body.getReader()
  const chunks: Uint8Array[] = []
  let length = 0
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.byteLength
      if (length > maxBytes) {
        await reader.cancel().catch(() => {})
        throw bodyTooLarge(maxBytes)
      }
      chunks.push(value)
    }
  } finally {
    reader.releaseLock()
  }
  return concatBytes(chunks, length)
}

/** The JSON value of a body. @throws ApiError `invalid_json`, with the position where it breaks */
export function parseJson(bytes: Uint8Array): unknown {
  if (bytes.byteLength === 0) {
    throw new ApiError('invalid_json', { message: 'The body is empty. Send a JSON object.' })
  }
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch (cause) {
    throw new ApiError('invalid_json', {
      message: 'The body is not UTF-8. Send JSON encoded as UTF-8.',
      cause,
    })
  }
  try {
    return JSON.parse(text)
  } catch (cause) {
    // The engine's own message quotes the body, and nothing of a body belongs into a message that may be logged.
    const position = /at position (\d+)/.exec(String(cause))?.[1]
    const where = position === undefined ? '' : ` It breaks at character ${position}.`
    throw new ApiError('invalid_json', { message: `The body is not valid JSON.${where}` })
  }
}

/** Refuses a body that isn't declared as JSON; a page elsewhere could send anything else without asking (CORS). */
export function requireJson(request: Request): void {
  const type = (request.headers.get('content-type') ?? '').split(';')[0]!.trim().toLowerCase()
  if (type === 'application/json' || type.endsWith('+json')) return
  const sent = /^[\w.+/-]{1,100}$/.test(type) ? `'${type}'` : 'none'
  throw new ApiError('unsupported_media_type', {
    message: `The content type must be application/json, got ${sent}. Set the header Content-Type.`,
  })
}

/** For a body over the limit. */
export function bodyTooLarge(maxBytes: number): ApiError {
  return new ApiError('payload_too_large', {
    message: `The body is larger than ${formatBytes(maxBytes)}. Compress the audio (Opus, MP3) or cut it.`,
  })
}

/** A size for people: `25 MB`, `512 bytes`. */
export function formatBytes(bytes: number): string {
  const megabytes = bytes / 1024 / 1024
  return megabytes >= 1 ? `${Number(megabytes.toFixed(1))} MB` : `${bytes} bytes`
}
