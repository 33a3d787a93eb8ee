/**
 * The files of tenants, by id. Their bytes are kept by content, so the same recording is there once a tenant, however
 * often it is uploaded:
 *
 *   tenants/<tenant>/files/<id>.json          what is known of a file
 *   tenants/<tenant>/audio/<sha256>           bytes
 *   tenants/<tenant>/audio-users/<sha256>/<id>  an empty object a file that uses them; the last one takes them with it
 */
import { sha256 } from '@noble/hashes/sha2.js'
import { bytesToHex } from '@noble/hashes/utils.js'
import { ApiError } from '../protocol/errors.ts'
import { FileObject } from '../protocol/files.ts'
import { limitedPieces, type ObjectContent, type ObjectStore, readAll } from './object-store.ts'

/** A file to be kept. */
export interface NewFile {
  filename: string
  purpose: string
  contentType: string
  /** Unix seconds. */
  expiresAt: number
  maxBytes: number
  /** Gives the bytes; is called once to know them and once to keep them, where they aren't there yet. */
  open(): Promise<ReadableStream<Uint8Array>>
}

/** @see FileObject */
export class FileLibrary {
  readonly #store: ObjectStore
  readonly #now: () => number

  /** @param now Unix time in milliseconds */
  constructor(store: ObjectStore, now: () => number) {
    this.#store = store
    this.#now = now
  }

  /** Keeps a file. @throws ApiError payload_too_large, and what `open` or `check` throw */
  async add(
    tenant: string,
    file: NewFile,
    check: (found: { sha256: string; bytes: number }) => void = () => {},
  ): Promise<FileObject> {
    const found = await digest(limitedPieces(await file.open(), file.maxBytes))
    check(found)
    const record: FileObject = {
      id: newFileId(),
      object: 'file',
      bytes: found.bytes,
      created_at: Math.floor(this.#now() / 1000),
      expires_at: file.expiresAt,
      filename: file.filename,
      purpose: file.purpose,
      status: 'processed',
      sha256: found.sha256,
    }
    // First the user, then the bytes: whoever deletes another file of the same bytes meanwhile sees that they are used.
    await this.#write(`${userPrefix(tenant, record.sha256)}${record.id}`, new Uint8Array(0))
    const audio = audioKey(tenant, record.sha256)
    if ((await this.#store.head(audio)) === null) {
      const { contentType, maxBytes } = file
      await this.#store.put(audio, await file.open(), { contentType, maxBytes })
    }
    await this.#write(recordKey(tenant, record.id), new TextEncoder().encode(JSON.stringify(record)))
    return record
  }

  /** @throws ApiError file_not_found, also for one that has expired */
  async find(tenant: string, id: string, param: string | null = null): Promise<FileObject> {
    const content = isFileId(id) ? await this.#store.get(recordKey(tenant, id)) : null
    if (content === null) throw notFound(id, param)
    const record = await readRecord(content)
    if (record.expires_at * 1000 <= this.#now()) throw notFound(id, param)
    return record
  }

  /** Its bytes. @throws ApiError file_not_found */
  async open(tenant: string, id: string, param: string | null = null): Promise<ObjectContent> {
    const { sha256 } = await this.find(tenant, id, param)
    const content = await this.#store.get(audioKey(tenant, sha256))
    if (content === null) throw notFound(id, param)
    return content
  }

  /** @throws ApiError file_not_found */
  async remove(tenant: string, id: string): Promise<void> {
    const { sha256 } = await this.find(tenant, id)
    await this.#remove(tenant, id, sha256)
  }

  /** Files in the order of their ids, those after `after`. */
  async list(tenant: string, limit: number, after?: string): Promise<{ files: FileObject[]; more: boolean }> {
    const prefix = `tenants/${tenant}/files/`
    const page = await this.#store.list(prefix, {
      limit,
      ...(after === undefined ? {} : { cursor: `${prefix}${after}.json` }),
    })
    const contents = await Promise.all(page.objects.map(({ key }) => this.#store.get(key)))
    const records = await Promise.all(contents.filter(content => content !== null).map(readRecord))
    const files = records.filter(({ expires_at }) => expires_at * 1000 > this.#now())
    return { files, more: page.cursor !== null }
  }

  /** Removes what has expired, files and uploads that were never completed; to be called now and then. */
  async sweep(): Promise<void> {
    for (let cursor: string | undefined | null; cursor !== null; ) {
      const page = await this.#store.list('tenants/', cursor === undefined ? {} : { cursor })
      for (const { key, lastModified } of page.objects) await this.#sweepObject(key, lastModified)
      cursor = page.cursor
    }
  }

  async #sweepObject(key: string, lastModified: Date): Promise<void> {
    const [, tenant = '', kind, name = ''] = key.split('/')
    if (kind === 'files') {
      const content = await this.#store.get(key)
      const record = content && (await readRecord(content))
      if (record && record.expires_at * 1000 <= this.#now())
        await this.#remove(tenant, record.id, record.sha256)
    } else if (kind === 'idempotency') {
      if (this.#now() - lastModified.getTime() > 24 * 3_600_000) await this.#store.delete(key)
    } else if (kind === 'uploads' && name !== '') {
      if (this.#now() - lastModified.getTime() > 2 * 3_600_000) await this.#store.delete(key)
    }
  }

  async #remove(tenant: string, id: string, sha256: string): Promise<void> {
    await this.#store.delete(recordKey(tenant, id))
    await this.#store.delete(`${userPrefix(tenant, sha256)}${id}`)
    const others = await this.#store.list(userPrefix(tenant, sha256), { limit: 1 })
    if (others.objects.length === 0) await this.#store.delete(audioKey(tenant, sha256))
  }

  async #write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#store.put(key, bytes, { contentType: 'application/json', maxBytes: 65_536 })
  }
}

function isFileId(id: string): boolean {
  return /^file-[0-9a-f]{32}$/.test(id)
}

/** Ids grow with time, so that a list is in the order of making. */
function newFileId(): string {
  const time = Date.now().toString(16).padStart(12, '0')
  const random = crypto.getRandomValues(new Uint8Array(10))
  return `file-${time}${bytesToHex(random)}`
}

async function digest(pieces: AsyncIterable<Uint8Array>): Promise<{ sha256: string; bytes: number }> {
  const hash = sha256.create()
  let bytes = 0
  for await (const piece of pieces) {
    hash.update(piece)
    bytes += piece.byteLength
  }
  return { sha256: bytesToHex(hash.digest()), bytes }
}

async function readRecord({ body }: ObjectContent): Promise<FileObject> {
  const bytes = await readAll(body as unknown as AsyncIterable<Uint8Array>)
  return FileObject.parse(JSON.parse(new TextDecoder().decode(bytes)))
}

const recordKey = (tenant: string, id: string) => `tenants/${tenant}/files/${id}.json`
const audioKey = (tenant: string, sha256: string) => `tenants/${tenant}/audio/${sha256}`
const userPrefix = (tenant: string, sha256: string) => `tenants/${tenant}/audio-users/${sha256}/`

function notFound(id: string, param: string | null): ApiError {
  return new ApiError('file_not_found', {
    message: `There is no file '${id.slice(0, 64).replace(/[^\w.-]/g, '?')}', or it has expired. Upload it again.`,
    param,
  })
}
