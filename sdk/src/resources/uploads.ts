/** `/v1/uploads`: large files, in parts. */
import { type AudioInput, fileNameOf, toBlob } from '../audio.ts'
import { AuricleError } from '../errors.ts'
import type { RequestOptions, Transport } from '../transport.ts'
import type { CompleteUploadRequest, CreateUploadRequest, FileObject, Upload, UploadPart } from '../wire.ts'

/** How a file is sent. */
export interface SendOptions extends RequestOptions {
  /** Left out: the file's own name. */
  filename?: string | undefined
  /** Left out: the type of the Blob, or `application/octet-stream`; the server tells audio apart by the bytes. */
  mimeType?: string | undefined
  expiresAfterSeconds?: number | undefined
  /** Size of the parts, at most 8 MB; 4 MB. Each is sent again by itself when it fails. */
  partBytes?: number | undefined
  /** Told after each part. */
  onProgress?: ((progress: { sentBytes: number; totalBytes: number }) => void) | undefined
}

/** Parts of an upload. */
export class UploadParts {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** Adds one. */
  create(uploadId: string, { data }: { data: Blob }, options?: RequestOptions): Promise<UploadPart> {
    const body = new FormData()
    body.append('data', data, 'part')
    return this.#transport.json({ method: 'POST', path: `${pathOf(uploadId)}/parts`, body }, options)
  }
}

/** Sends files once, so that any number of requests can name them. */
export class Uploads {
  readonly parts: UploadParts
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.parts = new UploadParts(transport)
    this.#transport = transport
  }

  /** Announces a file. */
  create(params: CreateUploadRequest, options?: RequestOptions): Promise<Upload> {
    return this.#transport.json({ method: 'POST', path: '/v1/uploads', json: params }, options)
  }

  /** Makes a file of its parts. */
  complete(id: string, params: CompleteUploadRequest, options?: RequestOptions): Promise<Upload> {
    return this.#transport.json({ method: 'POST', path: `${pathOf(id)}/complete`, json: params }, options)
  }

  /** Gives it up. */
  cancel(id: string, options?: RequestOptions): Promise<Upload> {
    return this.#transport.json({ method: 'POST', path: `${pathOf(id)}/cancel` }, options)
  }

  /**
   * All of it: announces, sends part by part, completes. Cancelled, or failed for good, it is given up.
   * @example const { id } = await client.uploads.send('meeting.wav', { onProgress: ({ sentBytes }) => show(sentBytes) })
   */
  async send(file: AudioInput, options: SendOptions = {}): Promise<FileObject> {
    const {
      filename,
      mimeType,
      expiresAfterSeconds,
      partBytes = 4 * 1024 * 1024,
      onProgress,
      ...request
    } = options
    const blob = await toBlob(file, { fetch: this.#transport.fetch, signal: request.signal })
    const { id } = await this.create(
      {
        filename: filename ?? fileNameOf(file),
        bytes: blob.size,
        mime_type: mimeType ?? (blob.type.split(';')[0] || 'application/octet-stream'),
        ...(expiresAfterSeconds !== undefined && {
          expires_after: { anchor: 'created_at', seconds: expiresAfterSeconds },
        }),
      },
      request,
    )
    try {
      const partIds: string[] = []
      for (let sentBytes = 0; sentBytes < blob.size; ) {
        const data = blob.slice(sentBytes, sentBytes + partBytes)
        partIds.push((await this.parts.create(id, { data }, request)).id)
        sentBytes += data.size
        onProgress?.({ sentBytes, totalBytes: blob.size })
      }
      const { file: made } = await this.complete(id, { part_ids: partIds }, request)
      if (made === null) throw new AuricleError('The server completed the upload and names no file.')
      return made
    } catch (error) {
      await this.cancel(id, { maxRetries: 0 }).catch(() => {})
      throw error
    }
  }
}

function pathOf(id: string): string {
  return `/v1/uploads/${encodeURIComponent(id)}`
}
