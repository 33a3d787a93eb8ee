/**
 * Files on their way, in parts that may come in any order and again. Under `tenants/<tenant>/uploads/<id>/`: the record
 * `upload.json`, and `parts/<part id>`. A file that is sent at once is the part `whole`.
 */
import * as z from 'zod'
import { ApiError } from '../protocol/errors.ts'
import {
  type CompleteUploadRequest,
  type CreateUploadRequest,
  FileObject,
  maxFileSeconds,
  maxPartBytes,
  maxUploadParts,
  type UploadPart,
  uploadSeconds,
} from '../protocol/files.ts'
import type { FileLibrary } from './file-library.ts'
import { type ObjectContent, type ObjectStore, readAll } from './object-store.ts'

const UploadRecord = z.object({
  id: z.string(),
  bytes: z.int(),
  created_at: z.int(),
  expires_at: z.int(),
  file_expires_at: z.int(),
  filename: z.string(),
  purpose: z.string(),
  mime_type: z.string(),
  status: z.enum(['pending', 'completed', 'cancelled']),
  file: FileObject.nullable(),
})
/** What is kept of an upload. */
export type UploadRecord = z.infer<typeof UploadRecord>

/** Name of the part that is the whole file. */
export const wholePart = 'whole'

/** @see UploadRecord */
export class UploadLibrary {
  readonly #store: ObjectStore
  readonly #files: FileLibrary
  readonly #now: () => number

  /** @param now Unix time in milliseconds */
  constructor(store: ObjectStore, files: FileLibrary, now: () => number) {
    this.#store = store
    this.#files = files
    this.#now = now
  }

  async create(tenant: string, request: CreateUploadRequest): Promise<UploadRecord> {
    const now = Math.floor(this.#now() / 1000)
    const record: UploadRecord = {
      id: `upload_${randomId()}`,
      bytes: request.bytes,
      created_at: now,
      expires_at: now + uploadSeconds,
      file_expires_at: now + (request.expires_after?.seconds ?? maxFileSeconds),
      filename: request.filename,
      purpose: request.purpose,
      mime_type: request.mime_type,
      status: 'pending',
      file: null,
    }
    await this.#save(tenant, record)
    return record
  }

  /** @throws ApiError upload_not_found, also for one that has expired */
  async find(tenant: string, id: string): Promise<UploadRecord> {
    const content = isUploadId(id) ? await this.#store.get(`${prefixOf(tenant, id)}upload.json`) : null
    if (content === null) throw notFound(id)
    const record = UploadRecord.parse(await readJson(content))
    if (record.expires_at * 1000 <= this.#now()) throw notFound(id)
    return record
  }

  /** Takes a part. @throws ApiError upload_not_found, payload_too_large */
  async addPart(
    tenant: string,
    id: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
  ): Promise<UploadPart> {
    await this.#findPending(tenant, id)
    if ((await this.parts(tenant, id)).length >= maxUploadParts) {
      throw incomplete(`an upload has at most ${maxUploadParts} parts`)
    }
    const part = `part_${randomId()}`
    await this.#putPart(tenant, id, part, body, maxPartBytes)
    return this.#toPart(id, part)
  }

  /** Takes the whole file at once. @throws ApiError upload_not_found, payload_too_large */
  async putWhole(tenant: string, id: string, body: ReadableStream<Uint8Array>): Promise<UploadRecord> {
    const record = await this.#findPending(tenant, id)
    await this.#putPart(tenant, id, wholePart, body, record.bytes)
    return record
  }

  /** Parts that are there. @throws ApiError upload_not_found */
  async parts(tenant: string, id: string): Promise<UploadPart[]> {
    const prefix = partPrefix(tenant, id)
    const { objects } = await this.#store.list(prefix)
    return objects
      .map(({ key }) => this.#toPart(id, key.slice(prefix.length)))
      .filter(part => part.id !== wholePart)
  }

  /**
   * Makes a file of the parts. Completing again gives the same file.
   * @throws ApiError upload_not_found, upload_incomplete
   */
  async complete(tenant: string, id: string, request: CompleteUploadRequest): Promise<UploadRecord> {
    const record = await this.find(tenant, id)
    if (record.status === 'completed') return record
    if (record.status === 'cancelled') throw notFound(id)
    const keys = (request.part_ids ?? [wholePart]).map(part => {
      if (part !== wholePart && !/^part_[0-9a-f]{32}$/.test(part)) throw incomplete('a part id is not one')
      return `${partPrefix(tenant, id)}${part}`
    })
    const infos = await Promise.all(keys.map(key => this.#store.head(key)))
    const missing = infos.indexOf(null)
    if (missing >= 0) throw incomplete(`part ${missing + 1} has not come`)
    const bytes = infos.reduce((sum, info) => sum + info!.size, 0)
    if (bytes !== record.bytes) throw incomplete(`${bytes} bytes have come, ${record.bytes} were said`)
    const file = await this.#files.add(
      tenant,
      {
        filename: record.filename,
        purpose: record.purpose,
        contentType: record.mime_type,
        expiresAt: record.file_expires_at,
        maxBytes: record.bytes,
        open: async () => this.#concatenated(keys),
      },
      found => {
        if (request.sha256 !== undefined && request.sha256 !== found.sha256) {
          throw incomplete('its SHA-256 is another one: a part is damaged, or they are in another order')
        }
      },
    )
    const completed: UploadRecord = { ...record, status: 'completed', file }
    await this.#save(tenant, completed)
    await Promise.all(keys.map(key => this.#store.delete(key)))
    return completed
  }

  /** @throws ApiError upload_not_found */
  async cancel(tenant: string, id: string): Promise<UploadRecord> {
    const record = await this.#findPending(tenant, id)
    const { objects } = await this.#store.list(partPrefix(tenant, id))
    await Promise.all(objects.map(({ key }) => this.#store.delete(key)))
    const cancelled: UploadRecord = { ...record, status: 'cancelled' }
    await this.#save(tenant, cancelled)
    return cancelled
  }

  async #findPending(tenant: string, id: string): Promise<UploadRecord> {
    const record = await this.find(tenant, id)
    if (record.status !== 'pending') throw notFound(id)
    return record
  }

  async #putPart(
    tenant: string,
    id: string,
    part: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    maxBytes: number,
  ): Promise<void> {
    const options = { contentType: 'application/octet-stream', maxBytes }
    await this.#store.put(`${partPrefix(tenant, id)}${part}`, body, options)
  }

  /** One object after the other; each is opened when the one before has been read. */
  #concatenated(keys: readonly string[]): ReadableStream<Uint8Array> {
    let next = 0
    let reader: ReadableStreamDefaultReader<Uint8Array> | null = null
    return new ReadableStream({
      pull: async controller => {
        while (true) {
          if (reader === null) {
            const key = keys[next++]
            if (key === undefined) return controller.close()
            const content = await this.#store.get(key)
            if (content === null) throw incomplete(`part ${next} is gone`)
            reader = content.body.getReader()
          }
          const { done, value } = await reader.read()
          if (!done) return controller.enqueue(value)
          reader = null
        }
      },
      cancel: async reason => reader?.cancel(reason),
    })
  }

  #toPart(uploadId: string, id: string): UploadPart {
    return { id, object: 'upload.part', created_at: Math.floor(this.#now() / 1000), upload_id: uploadId }
  }

  async #save(tenant: string, record: UploadRecord): Promise<void> {
    const bytes = new TextEncoder().encode(JSON.stringify(record))
    await this.#store.put(`${prefixOf(tenant, record.id)}upload.json`, bytes, {
      contentType: 'application/json',
      maxBytes: 65_536,
    })
  }
}

/** Where the file is to go that is sent at once: for what lets clients write there themselves. */
export function wholeKey(tenant: string, id: string): string {
  return `${partPrefix(tenant, id)}${wholePart}`
}

function isUploadId(id: string): boolean {
  return /^upload_[0-9a-f]{32}$/.test(id)
}

function randomId(): string {
  return crypto.randomUUID().replaceAll('-', '')
}

const prefixOf = (tenant: string, id: string) => `tenants/${tenant}/uploads/${id}/`
const partPrefix = (tenant: string, id: string) => `${prefixOf(tenant, id)}parts/`

async function readJson({ body }: ObjectContent): Promise<unknown> {
  const bytes = await readAll(body as unknown as AsyncIterable<Uint8Array>)
  return JSON.parse(new TextDecoder().decode(bytes))
}

function notFound(id: string): ApiError {
  return new ApiError('upload_not_found', {
    message: `There is no upload '${id.slice(0, 64).replace(/[^\w.-]/g, '?')}' that waits for parts. Begin again.`,
  })
}

function incomplete(reason: string): ApiError {
  return new ApiError('upload_incomplete', { message: `The upload is not complete: ${reason}.` })
}
