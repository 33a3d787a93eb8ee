/** Objects in memory, for tests and for an edge that was given nowhere to keep them: gone with the process. */
import {
  checkKey,
  limitedPieces,
  maxPage,
  type ObjectContent,
  type ObjectInfo,
  type ObjectPage,
  type ObjectStore,
  type PutOptions,
  readAll,
} from './object-store.ts'

/** @see ObjectStore */
export class MemoryStore implements ObjectStore {
  readonly #objects = new Map<string, { info: ObjectInfo; bytes: Uint8Array }>()
  #writes = 0

  async put(
    key: string,
    body: ReadableStream<Uint8Array> | Uint8Array,
    options: PutOptions,
  ): Promise<ObjectInfo> {
    checkKey(key)
    const bytes = await readAll(limitedPieces(body, options.maxBytes))
    const info: ObjectInfo = {
      key,
      size: bytes.byteLength,
      etag: String(++this.#writes),
      contentType: options.contentType,
      lastModified: new Date(),
    }
    this.#objects.set(key, { info, bytes })
    return info
  }

  async get(key: string, range?: { start: number; end: number }): Promise<ObjectContent | null> {
    checkKey(key)
    const object = this.#objects.get(key)
    if (object === undefined) return null
    const bytes = range === undefined ? object.bytes : object.bytes.subarray(range.start, range.end)
    return { info: object.info, body: new Blob([bytes as Uint8Array<ArrayBuffer>]).stream() }
  }

  async head(key: string): Promise<ObjectInfo | null> {
    checkKey(key)
    return this.#objects.get(key)?.info ?? null
  }

  async delete(key: string): Promise<void> {
    checkKey(key)
    this.#objects.delete(key)
  }

  async list(prefix: string, options: { limit?: number; cursor?: string } = {}): Promise<ObjectPage> {
    const { limit = maxPage, cursor = '' } = options
    const keys = [...this.#objects.keys()].filter(key => key.startsWith(prefix) && key > cursor).sort()
    const page = keys.slice(0, Math.min(limit, maxPage))
    return {
      objects: page.map(key => this.#objects.get(key)!.info),
      cursor: page.length < keys.length ? page.at(-1)! : null,
    }
  }
}
