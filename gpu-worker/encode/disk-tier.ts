/**
 * Records on disk, bounded in bytes, that outlive the process. What can't be read for what it was is as good as
 * absent: it is removed, and the next record of that key takes its place.
 *
 * A file: `length of the head` u32 LE, `head` JSON {header, blobBytes}, the blobs, SHA-256 of all before it.
 */
import { createHash, randomUUID } from 'node:crypto'
import { mkdir, open, readdir, readFile, rename, rm, stat, unlink, utimes } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import { LRUCache } from 'lru-cache'

/** What is kept: anything that JSON can hold, and bytes. */
export interface DiskRecord {
  readonly header: unknown
  readonly blobs: readonly Uint8Array[]
}

export interface DiskTierStats {
  readonly entries: number
  readonly bytes: number
  readonly maxBytes: number
  readonly hits: number
  readonly misses: number
  /** Files that were damaged. */
  readonly corrupt: number
  /** Records that couldn't be written. */
  readonly failures: number
}

const DIGEST_BYTES = 32
/** Hashed between two turns of the event loop: a millisecond or two. */
const PIECE_BYTES = 2 * 1024 * 1024
const TEMPORARY = '.tmp'

export class DiskTier {
  readonly #folder: string
  /** Bytes of each file that is known. */
  readonly #files: LRUCache<string, number>
  readonly #counters = { hits: 0, misses: 0, corrupt: 0, failures: 0 }
  /** Writes and removals under way. */
  readonly #pending = new Set<Promise<unknown>>()

  private constructor(folder: string, maxBytes: number) {
    this.#folder = folder
    this.#files = new LRUCache<string, number>({
      maxSize: maxBytes,
      sizeCalculation: bytes => bytes,
      dispose: (_, key, reason) => {
        if (reason === 'evict') this.#follow(rm(this.#path(key), { force: true }))
      },
    })
  }

  /**
   * Opens a folder, made if need be, and what earlier processes left in it, the oldest of it removed where it is
   * over the bound. Processes may share a folder; each then keeps the bound for the files it knows.
   * @throws Error when the folder can't be made or read
   */
  static async open(folder: string, maxBytes: number): Promise<DiskTier> {
    await mkdir(folder, { recursive: true, mode: 0o700 })
    const tier = new DiskTier(folder, maxBytes)
    const found: { key: string; bytes: number; usedMs: number }[] = []
    for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile()) continue
      const path = join(entry.parentPath, entry.name)
      // Left by a process that ended while it wrote.
      if (entry.name.endsWith(TEMPORARY)) await rm(path, { force: true })
      const info = await stat(path).catch(() => null)
      const key = relative(folder, path).split(sep).join('/')
      if (info !== null) found.push({ key, bytes: info.size, usedMs: info.mtimeMs })
    }
    found.sort((a, b) => a.usedMs - b.usedMs)
    for (const { key, bytes } of found) tier.#note(key, bytes)
    await tier.settled()
    return tier
  }

  keys(): string[] {
    return [...this.#files.keys()]
  }

  /** @param key path of names joined by `/`, each of letters, digits, `_` and `-` */
  async get(key: string): Promise<DiskRecord | null> {
    const path = this.#path(key)
    const bytes = await readFile(path).catch(() => null)
    const record = bytes === null ? null : await parseRecord(bytes)
    if (bytes !== null && record === null) {
      this.#counters.corrupt++
      this.#files.delete(key)
      await unlink(path).catch(() => {})
    }
    if (record === null) {
      this.#counters.misses++
      return null
    }
    this.#counters.hits++
    this.#note(key, bytes!.length)
    const now = new Date()
    this.#follow(utimes(path, now, now))
    return record
  }

  /** Writes whole or not at all. A disk that is full or gone is counted, and otherwise of no consequence. */
  async set(key: string, record: DiskRecord): Promise<void> {
    const writing = this.#write(key, record).catch(() => {
      this.#counters.failures++
    })
    this.#follow(writing)
    await writing
  }

  /** Resolves when what was begun is on the disk. */
  async settled(): Promise<void> {
    while (this.#pending.size > 0) await Promise.all(this.#pending)
  }

  stats(): DiskTierStats {
    const { size: entries, calculatedSize: bytes, maxSize: maxBytes } = this.#files
    return { entries, bytes, maxBytes, ...this.#counters }
  }

  async #write(key: string, { header, blobs }: DiskRecord): Promise<void> {
    const head = Buffer.from(JSON.stringify({ header, blobBytes: blobs.map(({ byteLength }) => byteLength) }))
    const length = Buffer.alloc(4)
    length.writeUInt32LE(head.length)
    const parts = [length, head, ...blobs]
    const bytes = parts.reduce((sum, part) => sum + part.byteLength, DIGEST_BYTES)
    if (bytes > this.#files.maxSize) return
    const path = this.#path(key)
    const temporary = `${path}.${randomUUID()}${TEMPORARY}`
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    try {
      const file = await open(temporary, 'wx', 0o600)
      try {
        const hash = createHash('sha256')
        for (const part of parts) {
          await hashPieces(hash, part)
          await file.writeFile(part)
        }
        await file.writeFile(hash.digest())
      } finally {
        await file.close()
      }
      await rename(temporary, path)
    } catch (error) {
      await rm(temporary, { force: true })
      throw error
    }
    this.#note(key, bytes)
  }

  #note(key: string, bytes: number): void {
    this.#files.set(key, bytes)
    // Larger than all there may be: the index took no note of it.
    if (!this.#files.has(key)) this.#follow(rm(this.#path(key), { force: true }))
  }

  #path(key: string): string {
    return join(this.#folder, ...key.split('/'))
  }

  #follow(work: Promise<unknown>): void {
    const done: Promise<unknown> = work.catch(() => {}).then(() => this.#pending.delete(done))
    this.#pending.add(done)
  }
}

/** Null for bytes that aren't a record, or not the one that was written. */
async function parseRecord(bytes: Buffer): Promise<DiskRecord | null> {
  if (bytes.length < 4 + DIGEST_BYTES) return null
  const end = bytes.length - DIGEST_BYTES
  const hash = createHash('sha256')
  await hashPieces(hash, bytes.subarray(0, end))
  if (!hash.digest().equals(bytes.subarray(end))) return null
  // Past the digest nothing can be wrong but what was written by other code.
  let at = 4 + bytes.readUInt32LE(0)
  const { header, blobBytes } = JSON.parse(bytes.toString('utf8', 4, at)) as {
    header: unknown
    blobBytes: number[]
  }
  const blobs: Uint8Array[] = []
  for (const length of blobBytes) {
    blobs.push(bytes.subarray(at, at + length))
    at += length
  }
  return { header, blobs }
}

async function hashPieces(hash: ReturnType<typeof createHash>, bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.byteLength; at += PIECE_BYTES) {
    if (at > 0) await setImmediate()
    hash.update(bytes.subarray(at, at + PIECE_BYTES))
  }
}
