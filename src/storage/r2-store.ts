/** Objects in a bucket of Cloudflare R2, through a Worker's binding. */
import type { R2Bucket, R2Object } from '@cloudflare/workers-types'
import {
  type ByteRange,
  checkKey,
  limitedPieces,
  maxPage,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
} from './object-store.ts'
import { putInParts } from './put-in-parts.ts'

/** @see ObjectStore */
export class R2Store implements ObjectStore {
  readonly #bucket: R2Bucket

  constructor(bucket: R2Bucket) {
    this.#bucket = bucket
  }

  async put(
    key: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<ObjectInfo> {
    checkKey(key)
    const bucket = this.#bucket
    const created = { httpMetadata: { contentType: options.contentType } }
    await putInParts(limitedPieces(body, options.maxBytes), {
      whole: bytes => bucket.put(key, bytes, created),
      async begin() {
        const upload = await bucket.createMultipartUpload(key, created)
        return {
          part: (number, bytes) => upload.uploadPart(number, bytes),
          complete: parts => upload.complete(parts),
          abort: () => upload.abort(),
        }
      },
    })
    const info = await this.head(key)
    if (info === null) throw new Error('an object that was just written is gone')
    return info
  }

  async get(key: string, range?: ByteRange): Promise<ObjectContent | null> {
    // R2 refuses a range that lies beyond the object: what is there is asked for first.
    const known = range === undefined ? null : await this.head(key)
    if (range !== undefined && known === null) return null
    const start = Math.min(range?.start ?? 0, known?.size ?? 0)
    const end = Math.min(range?.end ?? 0, known?.size ?? 0)
    if (known !== null && end <= start) return { info: known, body: new Blob([]).stream() }
    checkKey(key)
    const object = await this.#bucket.get(
      key,
      known === null ? {} : { range: { offset: start, length: end - start } },
    )
    if (object === null) return null
    return { info: infoOf(object), body: object.body as unknown as ReadableStream<Uint8Array> }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    checkKey(key)
    const object = await this.#bucket.head(key)
    return object === null ? null : infoOf(object)
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    await this.#bucket.delete(key)
  }

  async list(prefix: string, options: { limit?: number; cursor?: string } = {}): Promise<ObjectPage> {
    const { limit = maxPage, cursor } = options
    const page = await this.#bucket.list({
      prefix,
      limit: Math.min(limit, maxPage),
      ...(cursor === undefined ? {} : { startAfter: cursor }),
    })
    const objects = page.objects.map(infoOf)
    return { objects, cursor: page.truncated ? (objects.at(-1)?.key ?? null) : null }
  }
}

function infoOf(object: R2Object): ObjectInfo {
  return {
    key: object.key,
    size: object.size,
    etag: object.version,
    contentType: object.httpMetadata?.contentType ?? 'application/octet-stream',
    lastModified: object.uploaded,
  }
}
