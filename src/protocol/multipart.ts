/** `multipart/form-data` bodies (RFC 7578): fields and files, each within its limit. */
import {
  MaxFileSizeExceededError,
  MaxHeaderSizeExceededError,
  MaxPartsExceededError,
  MultipartParseError,
  type MultipartPart,
  parseMultipart,
} from '@remix-run/multipart-parser'
import { ApiError } from './errors.ts'
import { formatBytes, readBody } from './read-body.ts'

/** What a form may hold. */
export interface MultipartLimits {
  /** Bytes of one file. */
  maxFileBytes: number
  /** Bytes of all fields together, and of what stands between the parts. */
  maxFieldBytes: number
}

/** A file of a form. Its name and type are what the sender says; its bytes are a view of the body. */
export interface FormFile {
  filename: string
  bytes: Uint8Array
}

/** A form, read. */
export interface MultipartForm {
  /** The body as it came, to be sent on. */
  body: Uint8Array
  /** By name; a name that was sent several times has several values. */
  fields: ReadonlyMap<string, readonly string[]>
  files: ReadonlyMap<string, FormFile>
}

interface NamedPart {
  name: string | undefined
  filename: string | undefined
  part: MultipartPart
}

const maxParts = 1024
const maxHeaderBytes = 8192

/**
 * Reads a form. Nothing of a body over the limits is kept: the whole is cut off while it is read, then each part is
 * measured where it lies.
 * @throws ApiError `unsupported_media_type`, `payload_too_large`, `invalid_multipart`, `invalid_request`
 */
export async function readMultipart(request: Request, limits: MultipartLimits): Promise<MultipartForm> {
  const boundary = boundaryOf(request.headers.get('content-type') ?? '')
  const maxBytes = limits.maxFileBytes + limits.maxFieldBytes
  const body = await readBody(request, maxBytes).catch((error: unknown) => {
    // Only a file can be so large.
    if (error instanceof ApiError && error.code === 'payload_too_large') throw fileTooLarge('file', limits)
    throw error
  })
  if (body.byteLength === 0) throw malformed('the body is empty')
  const fields = new Map<string, string[]>()
  const files = new Map<string, FormFile>()
  let fieldBytes = 0
  for (const { name, filename, part } of partsOf(body, boundary, limits)) {
    if (name === undefined || name === '') throw malformed('a part has no name')
    if (filename !== undefined) {
      if (files.has(name)) throw sentTwice(name)
      files.set(name, { filename, bytes: contentOf(part) })
      continue
    }
    fieldBytes += part.size + name.length
    if (fieldBytes > limits.maxFieldBytes) {
      throw new ApiError('payload_too_large', {
        message: `The fields of the form are larger than ${formatBytes(limits.maxFieldBytes)}.`,
        param: shortened(name),
      })
    }
    fields.set(name, [...(fields.get(name) ?? []), textOf(part, name)])
  }
  return { body, fields, files }
}

/** Whether a request says that it is a form. */
export function isForm(request: Request): boolean {
  return /^multipart\/form-data\b/i.test(request.headers.get('content-type')?.trim() ?? '')
}

/**
 * The file that must be there.
 * @throws ApiError `invalid_request` where it is missing, or was sent as a field
 */
export function requiredFile(form: MultipartForm, name: string): FormFile {
  const file = form.files.get(name)
  if (file !== undefined) return file
  const message = form.fields.has(name)
    ? `Invalid ${name}: it came as text. Send it as a file, with a filename (curl: -F ${name}=@recording.wav).`
    : `Invalid ${name}: it is missing. Send the file itself (curl: -F ${name}=@recording.wav).`
  throw new ApiError('invalid_request', { message, param: name })
}

/**
 * The fields as an object: `a[]` and repeated names of `lists` become arrays, `a[b]` objects. Values stay text.
 * @param lists names whose values are lists, however they are written
 * @throws ApiError `invalid_request` for a name that was sent twice and isn't a list
 */
export function fieldsToObject(
  fields: MultipartForm['fields'],
  lists: ReadonlySet<string>,
): Record<string, unknown> {
  const object: Record<string, unknown> = Object.create(null)
  for (const [written, values] of fields) {
    const [, name = written, key] = /^([^[\]]+)\[([^[\]]*)\]$/.exec(written) ?? []
    if (key === '' || (key === undefined && lists.has(name))) {
      const list = object[name] ?? []
      if (!Array.isArray(list)) throw sentTwice(name)
      object[name] = [...list, ...values]
    } else {
      if (values.length > 1) throw sentTwice(written)
      if (key === undefined) {
        if (name in object) throw sentTwice(name)
        object[name] = values[0]
        continue
      }
      const nested = object[name] ?? Object.create(null)
      if (typeof nested !== 'object' || Array.isArray(nested)) throw sentTwice(name)
      object[name] = { ...nested, [key]: values[0] }
    }
  }
  return { ...object }
}

/** The number that a field's text says; text that says none stays as it is, and a schema says what was expected. */
export function fieldNumber(text: unknown): unknown {
  if (typeof text !== 'string') return text
  return /^\s*[-+]?(\d+\.?\d*|\.\d+)(e[-+]?\d+)?\s*$/i.test(text) ? Number(text) : text
}

/** `true` and `false`. */
export function fieldBoolean(text: unknown): unknown {
  return text === 'true' ? true : text === 'false' ? false : text
}

function* partsOf(body: Uint8Array, boundary: string, limits: MultipartLimits): Generator<NamedPart> {
  let lastName: string | undefined
  try {
    const options = { boundary, maxParts, maxHeaderSize: maxHeaderBytes, maxFileSize: limits.maxFileBytes }
    // Many small parts can't hold more than the body does.
    for (const part of parseMultipart(body, { ...options, maxTotalSize: body.byteLength })) {
      lastName = part.name
      yield { name: part.name, filename: part.filename, part }
    }
  } catch (error) {
    // Headers that aren't UTF-8.
    if (error instanceof TypeError) throw malformed('the header of a part is not UTF-8')
    if (error instanceof MaxFileSizeExceededError) throw fileTooLarge('file', limits)
    if (error instanceof MaxPartsExceededError) throw malformed(`it has more than ${maxParts} parts`)
    if (error instanceof MaxHeaderSizeExceededError) throw malformed('the header of a part is too long')
    if (!(error instanceof MultipartParseError)) throw error
    const after = lastName === undefined ? 'its beginning' : `the part '${shortened(lastName)}'`
    throw malformed(`it breaks off or is malformed after ${after}`)
  }
}

function boundaryOf(contentType: string): string {
  const type = contentType.split(';')[0]!.trim().toLowerCase()
  if (type !== 'multipart/form-data') {
    const sent = /^[\w.+/-]{1,100}$/.test(type) ? `'${type}'` : 'none'
    throw new ApiError('unsupported_media_type', {
      message: `The content type must be multipart/form-data, got ${sent}. Send a form (curl: -F file=@recording.wav).`,
    })
  }
  // RFC 2046: at most 70 characters of a small set, quoted or not.
  const match = /;\s*boundary=(?:"([\w'()+,\-./:=? ]{1,70})"|([\w'()+,\-./:=?]{1,70}))\s*(?:;|$)/i.exec(
    contentType,
  )
  const boundary = match?.[1] ?? match?.[2]
  if (boundary === undefined) throw malformed('its content type names no boundary')
  return boundary
}

/** The bytes without copying them where they lie in one piece, as they do in a body that was read whole. */
function contentOf(part: MultipartPart): Uint8Array {
  return part.content.length === 1 ? part.content[0]! : part.bytes
}

function textOf(part: MultipartPart, name: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(contentOf(part))
  } catch (cause) {
    throw new ApiError('invalid_request', {
      message: `Invalid ${shortened(name)}: it is not UTF-8. A file needs a filename (curl: -F file=@recording.wav).`,
      param: shortened(name),
      cause,
    })
  }
}

function fileTooLarge(param: string, { maxFileBytes }: MultipartLimits): ApiError {
  return new ApiError('payload_too_large', {
    message: `The file is larger than ${formatBytes(maxFileBytes)}. Compress the audio (Opus, MP3) or cut it.`,
    param,
  })
}

function sentTwice(name: string): ApiError {
  const param = shortened(name)
  return new ApiError('invalid_request', { message: `Invalid ${param}: it was sent more than once.`, param })
}

function malformed(reason: string): ApiError {
  return new ApiError('invalid_multipart', { message: `The form cannot be read: ${reason}.` })
}

function shortened(name: string): string {
  return name.length > 64 ? `${name.slice(0, 64)}…` : name
}
