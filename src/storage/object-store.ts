/**
 * Where bytes are kept that outlive a request: uploads, audio, language models. A folder, S3 and R2 behave alike here;
 * `object-store-suite.ts` holds each of them to what is written below.
 */
import { ApiError } from '../protocol/errors.ts'
import type { DirectUpload } from '../protocol/files.ts'

/** What is known of an object without reading it. */
export interface ObjectInfo {
  key: string
  /** Bytes. */
  size: number
  /** Opaque; another one when the object was written again. */
  etag: string
  contentType: string
  lastModified: Date
}

export interface PutOptions {
  contentType: string
  maxBytes: number
}

/** Bytes from `start` (counted from 0) up to, not including, `end`, as `slice` has it; what is beyond the object isn't there. */
export interface ByteRange {
  start: number
  end: number
}

export interface ObjectContent {
  info: ObjectInfo
  /** Of the range, where one was asked for. Read it or cancel it: it may hold a connection. */
  body: ReadableStream<Uint8Array>
}

/** What a list tells; S3 doesn't name the content type there. */
export type ListedObject = Omit<ObjectInfo, 'contentType'>

export interface ObjectPage {
  /** In the order of their keys' code units. */
  objects: ListedObject[]
  /** Pass it on for the next page; null when there is none. */
  cursor: string | null
}

/** @throws TypeError, by each method, for a key that `checkKey` refuses */
export interface ObjectStore {
  /**
   * Whole or not at all; an object of that key is replaced. A body that breaks leaves what was there.
   * @throws ApiError payload_too_large as soon as more than `maxBytes` have come
   */
  put(key: string, body: ReadableStream<Uint8Array> | Uint8Array, options: PutOptions): Promise<ObjectInfo>
  /** null where there is no such object. */
  get(key: string, range?: ByteRange): Promise<ObjectContent | null>
  head(key: string): Promise<ObjectInfo | null>
  /** Nothing happens where there is none. */
  delete(key: string): Promise<void>
  /** Objects whose key begins with `prefix` (any text, not only whole segments), at most `limit` (1,000) a page. */
  list(prefix: string, options?: { limit?: number; cursor?: string }): Promise<ObjectPage>
  /** Only of stores that can: lets a client write one object of exactly that size and type by itself, for an hour. */
  presign?(key: string, object: { bytes: number; contentType: string }): Promise<DirectUpload>
}

/** Most objects of one page. */
export const maxPage = 1000

/**
 * Keys are segments of letters, digits, `.`, `_` and `-` between slashes, at most 512 characters: no store reads more
 * into them, and none leads out of its folder.
 * @throws TypeError for any other
 */
export function checkKey(key: string): void {
  const segment = /^[A-Za-z0-9_-][A-Za-z0-9._-]*$/
  if (key.length > 512 || !key.split('/').every(part => segment.test(part))) {
    throw new TypeError('a key is made of letters, digits, ., _ and - between slashes')
  }
}

/** The bytes of a body, piece by piece, never more than allowed. @throws ApiError payload_too_large */
export async function* limitedPieces(
  body: ReadableStream<Uint8Array> | Uint8Array,
  maxBytes: number,
): AsyncGenerator<Uint8Array, void> {
  if (body instanceof Uint8Array) {
    if (body.byteLength > maxBytes) throw tooLarge(maxBytes)
    yield body
    return
  }
  const reader = body.getReader()
  let length = 0
  let ended = false
  try {
    while (true) {
      const { done, value } = await reader.read()
      if (done) break
      length += value.byteLength
      if (length > maxBytes) throw tooLarge(maxBytes)
      yield value
    }
    ended = true
  } finally {
    if (!ended) await reader.cancel().catch(() => {})
    reader.releaseLock()
  }
}

/** The same bytes as blocks of exactly `size`, but for the last one; at least one block, which may be empty. */
export async function* blocksOf(pieces: AsyncIterable<Uint8Array>, size: number): AsyncGenerator<Uint8Array> {
  let block = new Uint8Array(0)
  let filled = 0
  for await (const piece of pieces) {
    let taken = 0
    while (taken < piece.byteLength) {
      if (filled === size) {
        yield block
        block = new Uint8Array(0)
        filled = 0
      }
      const count = Math.min(size - filled, piece.byteLength - taken)
      if (block.byteLength < filled + count) {
        // Grows as the body does: a small body never costs a whole block.
        const grown = new Uint8Array(Math.min(size, Math.max(filled + count, 2 * block.byteLength)))
        grown.set(block.subarray(0, filled))
        block = grown
      }
      block.set(piece.subarray(taken, taken + count), filled)
      filled += count
      taken += count
    }
  }
  yield block.subarray(0, filled)
}

/** All the bytes, copied into one array. */
export async function readAll(pieces: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const { value } = await blocksOf(pieces, Number.MAX_SAFE_INTEGER).next()
  return value ?? new Uint8Array(0)
}

function tooLarge(maxBytes: number): ApiError {
  const limit = maxBytes >= 1024 * 1024 ? `${Math.floor(maxBytes / 1024 / 1024)} MB` : `${maxBytes} bytes`
  return new ApiError('payload_too_large', { message: `This is larger than ${limit}. Send less at once.` })
}
