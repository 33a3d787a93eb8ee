/** From what a request carries (base64, data: URL, audio: id) to the bytes of an audio file, or to its id. */
import { ApiError } from './errors.ts'

/** Names that `input_audio.format` may have. A hint only: the bytes decide. */
export const audioFormats = [
  'wav',
  'mp3',
  'flac',
  'ogg',
  'opus',
  'webm',
  'm4a',
  'mp4',
  'aac',
  'mpeg',
  'mpga',
  'oga',
] as const

/** Most characters of a URL that is to be fetched. */
const maxUrlCharacters = 2048

/** base64 digit to its value; 255 is no digit, 254 is white space. */
const digitValues = buildDigitValues()

/**
 * Decodes standard base64. White space (line breaks of MIME) is skipped, missing padding is forgiven.
 * @param param path of the field, for the error
 * @throws ApiError `invalid_base64`, with the position of the first wrong character; `payload_too_large` over `maxBytes`
 */
export function decodeBase64(
  text: string,
  options: { param: string; maxBytes: number },
): Uint8Array<ArrayBuffer> {
  const { param, maxBytes } = options
  if (text.startsWith('data:')) {
    throw new ApiError('invalid_base64', {
      message: `Invalid ${param}: it is a data: URL. Send only what follows the comma, or use an audio_url part.`,
      param,
    })
  }
  let end = text.length
  while (end > 0 && (text.charCodeAt(end - 1) === 61 || isWhiteSpace(text.charCodeAt(end - 1)))) end--
  if (Math.floor((end * 3) / 4) > maxBytes * 1.1 + 1024) throw tooLarge(param, maxBytes)
  const bytes = new Uint8Array(Math.floor((end * 3) / 4) + 3)
  let length = 0
  let buffer = 0
  let bits = 0
  for (let i = 0; i < end; i++) {
    const code = text.charCodeAt(i)
    const value = code < 128 ? digitValues[code]! : 255
    if (value >= 254) {
      if (value === 254) continue
      throw new ApiError('invalid_base64', {
        message: `Invalid ${param}: character ${i} is not base64.`,
        param,
      })
    }
    buffer = ((buffer << 6) | value) & 0xffffff
    bits += 6
    if (bits >= 8) {
      bits -= 8
      bytes[length++] = (buffer >> bits) & 255
    }
  }
  if (bits === 6) {
    throw new ApiError('invalid_base64', { message: `Invalid ${param}: the base64 is cut off.`, param })
  }
  if (length > maxBytes) throw tooLarge(param, maxBytes)
  return bytes.subarray(0, length)
}

/** The base64 text of a `data:` URL and its media type, e.g. `audio/wav`. */
export interface DataUrl {
  mediaType: string
  base64: string
}

/**
 * Splits a `data:audio/wav;base64,...` URL without decoding it.
 * @throws ApiError `audio_url_unsupported` for any other kind of URL, `invalid_request` for a data: URL that isn't base64
 */
export function parseDataUrl(url: string, param: string): DataUrl {
  if (!/^data:/i.test(url)) {
    const scheme = /^([a-z][a-z0-9+.-]{0,15}):/i.exec(url)?.[1]?.toLowerCase()
    const what = scheme === undefined ? 'it is not a URL' : `${scheme}: URLs are not taken`
    throw new ApiError('audio_url_unsupported', {
      message: `Invalid ${param}: ${what}. Send the audio itself, as data:audio/wav;base64,... or as input_audio.`,
      param,
    })
  }
  const comma = url.slice(0, 256).indexOf(',')
  const header = comma < 0 ? '' : url.slice(5, comma)
  if (!/;base64$/i.test(header)) {
    throw new ApiError('invalid_request', {
      message: `Invalid ${param}: expected data:<media type>;base64,<base64>.`,
      param,
    })
  }
  return { mediaType: header.split(';')[0]!.trim().toLowerCase(), base64: url.slice(comma + 1) }
}

/** Where the audio of an `audio_url` part is. */
export type AudioUrl =
  /** In the URL itself, as base64. */
  | { kind: 'data'; base64: string }
  /** Sent before; the SHA-256 of the file. */
  | { kind: 'audio-id'; id: string }
  /** Uploaded; see `/v1/files`. */
  | { kind: 'file'; id: string }
  /** Elsewhere; the worker fetches it, where that is allowed. */
  | { kind: 'http'; url: string }

/**
 * Tells what an `audio_url` refers to. Nothing is fetched and no base64 decoded here.
 * @throws ApiError `audio_url_unsupported` for any other kind of URL, `invalid_request` for what has the wrong form
 */
export function parseAudioUrl(url: string, param: string): AudioUrl {
  const id = parseAudioId(url, param)
  if (id !== null) return { kind: 'audio-id', id }
  if (/^file:/i.test(url)) return { kind: 'file', id: checkFileId(url.slice('file:'.length), param) }
  if (/^https?:/i.test(url)) {
    if (url.length <= maxUrlCharacters) return { kind: 'http', url }
    throw new ApiError('invalid_request', {
      message: `Invalid ${param}: the URL has more than ${maxUrlCharacters} characters.`,
      param,
    })
  }
  return { kind: 'data', base64: parseDataUrl(url, param).base64 }
}

/** @throws ApiError `invalid_request` for what isn't the id of an uploaded file */
export function checkFileId(id: string, param: string): string {
  if (/^file-[0-9a-f]{32}$/.test(id)) return id
  throw new ApiError('invalid_request', {
    message: `Invalid ${param}: expected the id of an uploaded file, as in file-0123... of POST /v1/files.`,
    param,
  })
}

/**
 * The id in an `audio:` URL: the SHA-256 of the file that was sent before, 64 hex digits in lower case.
 * @returns null for any other URL
 * @throws ApiError `invalid_request` when what follows `audio:` is no such id
 */
export function parseAudioId(url: string, param: string): string | null {
  if (!/^audio:/i.test(url)) return null
  const id = url.slice('audio:'.length).toLowerCase()
  if (/^[0-9a-f]{64}$/.test(id)) return id
  throw new ApiError('invalid_request', {
    message: `Invalid ${param}: expected audio:<audio_id>, with the audio_id of an earlier answer's usage.`,
    param,
  })
}

function tooLarge(param: string, maxBytes: number): ApiError {
  const megabytes = (maxBytes / 1024 / 1024).toFixed(0)
  return new ApiError('payload_too_large', {
    message: `${param} is larger than ${megabytes} MB. Compress the audio or cut it.`,
    param,
  })
}

function isWhiteSpace(code: number): boolean {
  return code === 32 || (code >= 9 && code <= 13)
}

function buildDigitValues(): Uint8Array {
  const values = new Uint8Array(128).fill(255)
  const digits = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/'
  for (let i = 0; i < digits.length; i++) values[digits.charCodeAt(i)] = i
  for (let code = 0; code < 128; code++) if (isWhiteSpace(code)) values[code] = 254
  return values
}
