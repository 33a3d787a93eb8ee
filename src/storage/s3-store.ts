/** Objects in a bucket of S3, or of anything that speaks its protocol. */
import {
  AbortMultipartUploadCommand,
  CompleteMultipartUploadCommand,
  CreateMultipartUploadCommand,
  DeleteObjectCommand,
  GetObjectCommand,
  type GetObjectCommandOutput,
  HeadObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type S3Client,
  S3ServiceException,
  UploadPartCommand,
} from '@aws-sdk/client-s3'
import { createPresignedPost } from '@aws-sdk/s3-presigned-post'
import { type DirectUpload, uploadSeconds } from '../protocol/files.ts'
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

export interface S3StoreOptions {
  client: S3Client
  bucket: string
  /** Stands before every key, e.g. `auricle/`; may be empty. */
  prefix?: string
}

/** @see ObjectStore */
export class S3Store implements ObjectStore {
  readonly #client: S3Client
  readonly #bucket: string
  readonly #prefix: string

  constructor({ client, bucket, prefix = '' }: S3StoreOptions) {
    this.#client = client
    this.#bucket = bucket
    this.#prefix = prefix
  }

  async put(
    key: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<ObjectInfo> {
    const place = this.#place(key)
    const client = this.#client
    const created = { ...place, ContentType: options.contentType }
    await putInParts(limitedPieces(body, options.maxBytes), {
      whole: bytes => client.send(new PutObjectCommand({ ...created, Body: bytes })),
      async begin() {
        const { UploadId } = await client.send(new CreateMultipartUploadCommand(created))
        const upload = { ...place, UploadId }
        return {
          async part(number, bytes) {
            const part = { ...upload, PartNumber: number, Body: bytes }
            const { ETag } = await client.send(new UploadPartCommand(part))
            return { PartNumber: number, ETag }
          },
          complete: parts =>
            client.send(new CompleteMultipartUploadCommand({ ...upload, MultipartUpload: { Parts: parts } })),
          abort: () => client.send(new AbortMultipartUploadCommand(upload)),
        }
      },
    })
    const info = await this.head(key)
    if (info === null) throw new Error('an object that was just written is gone')
    return info
  }

  async get(key: string, range?: ByteRange): Promise<ObjectContent | null> {
    const place = this.#place(key)
    if (range !== undefined && range.end <= range.start) return this.#nothingOf(key)
    const Range = range === undefined ? undefined : `bytes=${range.start}-${range.end - 1}`
    let answer: GetObjectCommandOutput
    try {
      answer = await this.#client.send(new GetObjectCommand({ ...place, Range }))
    } catch (error) {
      if (statusOf(error) === 404) return null
      if (statusOf(error) === 416) return this.#nothingOf(key)
      throw error
    }
    const total = /\/(\d+)$/.exec(answer.ContentRange ?? '')?.[1]
    const info = infoOf(key, { ...answer, ContentLength: Number(total ?? answer.ContentLength) })
    return { info, body: answer.Body?.transformToWebStream() ?? new Blob([]).stream() }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const place = this.#place(key)
    try {
      return infoOf(key, await this.#client.send(new HeadObjectCommand(place)))
    } catch (error) {
      if (statusOf(error) === 404) return null
      throw error
    }
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand(this.#place(key)))
  }

  async list(prefix: string, options: { limit?: number; cursor?: string } = {}): Promise<ObjectPage> {
    const { limit = maxPage, cursor } = options
    const answer = await this.#client.send(
      new ListObjectsV2Command({
        Bucket: this.#bucket,
        Prefix: this.#prefix + prefix,
        MaxKeys: Math.min(limit, maxPage),
        StartAfter: cursor === undefined ? undefined : this.#prefix + cursor,
      }),
    )
    const objects = (answer.Contents ?? []).map(object => {
      const { contentType: _, ...listed } = infoOf(object.Key!.slice(this.#prefix.length), {
        ...object,
        ContentLength: object.Size,
      })
      return listed
    })
    return { objects, cursor: answer.IsTruncated ? (objects.at(-1)?.key ?? null) : null }
  }

  /** A POST whose policy S3 checks: a presigned PUT has no limit of size. */
  async presign(
    key: string,
    { bytes, contentType }: { bytes: number; contentType: string },
  ): Promise<DirectUpload> {
    const { url, fields } = await createPresignedPost(this.#client, {
      ...this.#place(key),
      Conditions: [
        ['content-length-range', bytes, bytes],
        ['eq', '$Content-Type', contentType],
      ],
      Fields: { 'Content-Type': contentType },
      Expires: uploadSeconds,
    })
    return { method: 'POST', url, fields }
  }

  /** An object of which no byte was asked for. */
  async #nothingOf(key: string): Promise<ObjectContent | null> {
    const info = await this.head(key)
    return info === null ? null : { info, body: new Blob([]).stream() }
  }

  #place(key: string): { Bucket: string; Key: string } {
    checkKey(key)
    return { Bucket: this.#bucket, Key: this.#prefix + key }
  }
}

interface S3ObjectInfo {
  ContentLength?: number | undefined
  ETag?: string | undefined
  ContentType?: string | undefined
  LastModified?: Date | undefined
}

function infoOf(key: string, info: S3ObjectInfo): ObjectInfo {
  return {
    key,
    size: info.ContentLength ?? 0,
    etag: info.ETag ?? '',
    contentType: info.ContentType ?? 'application/octet-stream',
    lastModified: info.LastModified ?? new Date(0),
  }
}

function statusOf(error: unknown): number | undefined {
  return error instanceof S3ServiceException ? error.$metadata.httpStatusCode : undefined
}
