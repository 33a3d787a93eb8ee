/**
 * Objects as files beneath a folder; edge and worker of one machine share it. The one file of src/ that needs Node.
 *
 * A file is one object: a header of 256 bytes with its content type, then its bytes, so that both change at once.
 * It is written beside its place and moved there when it is whole. A key's file ends in `~`, which no key holds:
 * so `a` and `a/b` don't collide, and a file that is being written isn't an object.
 */
import { createReadStream } from 'node:fs'
import { type FileHandle, mkdir, open, readdir, rename, rm } from 'node:fs/promises'
import { dirname, join, sep } from 'node:path'
import { Readable } from 'node:stream'
import {
  checkKey,
  limitedPieces,
  maxPage,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
} from './object-store.ts'

const headerBytes = 256
const magic = 'auricle-object-1 '

/** @see ObjectStore */
export class FileStore implements ObjectStore {
  readonly #root: string

  /** @param root made when the first object is */
  constructor(root: string) {
    this.#root = root
  }

  async put(
    key: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<ObjectInfo> {
    const path = this.#path(key)
    const unfinished = `${path}${crypto.randomUUID()}`
    await mkdir(dirname(path), { recursive: true })
    try {
      const file = await open(unfinished, 'wx', 0o600)
      try {
        await writeAll(file, header(options.contentType))
        for await (const piece of limitedPieces(body, options.maxBytes)) await writeAll(file, piece)
        await file.sync()
      } finally {
        await file.close()
      }
      await rename(unfinished, path)
    } catch (error) {
      await rm(unfinished, { force: true })
      throw error
    }
    const info = await this.head(key)
    if (info === null) throw new Error('an object that was just written is gone')
    return info
  }

  async get(key: string, range?: { start: number; end: number }): Promise<ObjectContent | null> {
    const file = await openIfThere(this.#path(key))
    if (file === null) return null
    let info: ObjectInfo
    try {
      info = await readInfo(key, file)
    } catch (error) {
      await file.close()
      throw error
    }
    const start = Math.min(range?.start ?? 0, info.size)
    const end = Math.min(range?.end ?? info.size, info.size)
    if (end <= start) {
      await file.close()
      return { info, body: new Blob([]).stream() }
    }
    const bytes = createReadStream('', {
      fd: file,
      start: headerBytes + start,
      end: headerBytes + end - 1,
    })
    return { info, body: Readable.toWeb(bytes) as ReadableStream<Uint8Array> }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    const file = await openIfThere(this.#path(key))
    if (file === null) return null
    try {
      return await readInfo(key, file)
    } finally {
      await file.close()
    }
  }

  async delete(key: string): Promise<void> {
    await rm(this.#path(key), { force: true })
  }

  async list(prefix: string, options: { limit?: number; cursor?: string } = {}): Promise<ObjectPage> {
    const { limit = maxPage, cursor = '' } = options
    const keys = (await this.#keysBeneath(prefix))
      .filter(key => key.startsWith(prefix) && key > cursor)
      .sort()
    const page = keys.slice(0, Math.min(limit, maxPage))
    // What was deleted in between is no more.
    const objects = (await Promise.all(page.map(key => this.head(key)))).filter(info => info !== null)
    return { objects, cursor: page.length < keys.length ? page.at(-1)! : null }
  }

  /** Keys in the folder that holds all of the prefix, in any order. */
  async #keysBeneath(prefix: string): Promise<string[]> {
    const folder = prefix.includes('/') ? prefix.slice(0, prefix.lastIndexOf('/')) : ''
    if (folder !== '') checkKey(folder)
    const root = join(this.#root, folder)
    const entries = await readdir(root, { recursive: true, withFileTypes: true }).catch(notThere)
    return (entries ?? [])
      .filter(entry => entry.isFile() && entry.name.endsWith('~'))
      .map(entry => join(entry.parentPath, entry.name.slice(0, -1)).slice(join(this.#root, sep).length))
      .map(path => path.split(sep).join('/'))
  }

  #path(key: string): string {
    checkKey(key)
    return join(this.#root, `${key}~`)
  }
}

function header(contentType: string): Uint8Array {
  const bytes = new TextEncoder().encode(`${magic}${contentType.replace(/[\r\n]/g, ' ')}`)
  if (bytes.byteLength >= headerBytes) throw new TypeError('a content type is shorter than that')
  const padded = new Uint8Array(headerBytes).fill(0x20)
  padded.set(bytes)
  padded[headerBytes - 1] = 0x0a
  return padded
}

/** Of the open file, whatever happens to its name meanwhile. */
async function readInfo(key: string, file: FileHandle): Promise<ObjectInfo> {
  const bytes = new Uint8Array(headerBytes)
  const { bytesRead } = await file.read(bytes, 0, headerBytes, 0)
  const text = new TextDecoder().decode(bytes.subarray(0, bytesRead))
  if (bytesRead !== headerBytes || !text.startsWith(magic)) {
    throw new Error(`the file of ${key} is not one of this store`)
  }
  const { size, mtime, mtimeNs, ino } = await file.stat({ bigint: true })
  return {
    key,
    size: Number(size) - headerBytes,
    etag: `${ino.toString(16)}-${mtimeNs.toString(16)}`,
    contentType: text.slice(magic.length).trimEnd(),
    lastModified: mtime,
  }
}

async function writeAll(file: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; ) at += (await file.write(bytes, at)).bytesWritten
}

function openIfThere(path: string): Promise<FileHandle | null> {
  return open(path, 'r').catch(notThere)
}

function notThere(error: NodeJS.ErrnoException): null {
  if (error.code === 'ENOENT' || error.code === 'ENOTDIR') return null
  throw error
}
