/** Where a model comes from: a folder, the Hugging Face hub, S3, or any server of files. */
import { createReadStream } from 'node:fs'
import { readdir, readFile, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import type { ObjectStore } from '../../../src/storage/object-store.ts'
import { openStore } from '../../../src/storage/open-store.ts'
import { UsageError } from '../usage-error.ts'

/** A file of a model, as its source names it. */
export interface SourceFile {
  path: string
  bytes: number
  /** Null where the source doesn't say. */
  sha256: string | null
}

/** A place that has one model. */
export interface ModelSource {
  /** As it was given, for messages. */
  name: string
  /** Set where it is a folder of this machine, which needn't be copied to be read. */
  folder: string | null
  /** Null where it can't tell. */
  list(): Promise<SourceFile[] | null>
  /** A small file; null where there is none. */
  text(path: string): Promise<string | null>
  /** The bytes from `start` on. @throws Error where it can't be had */
  read(path: string, start: number): Promise<AsyncIterable<Uint8Array>>
}

type Environment = Readonly<Record<string, string | undefined>>

/**
 * @param location a folder, `owner/name` or `owner/name@revision` of the hub, `s3://bucket/prefix`, or an `https:` URL
 * @param environment `HF_TOKEN` and `HF_ENDPOINT` for the hub, AWS's variables for S3
 * @throws UsageError for anything else
 */
export async function openSource(location: string, environment: Environment): Promise<ModelSource> {
  if (/^https?:/.test(location)) return fromServer(location)
  if (location.startsWith('s3:')) return fromStore(location, await openStore(location, environment))
  const folder = await stat(location).catch(() => null)
  if (folder?.isDirectory()) return fromFolder(location)
  const repository = /^(?:hf:)?([\w.-]+\/[\w.-]+)(?:@([\w./-]+))?$/.exec(location)
  if (repository !== null && !/^[./~]/.test(location)) {
    return fromHub(location, repository[1]!, repository[2] ?? 'main', environment)
  }
  throw new UsageError(
    `'${location}' is no folder here, no owner/name of the hub, no s3://bucket/prefix and no https: URL`,
  )
}

function fromFolder(location: string): ModelSource {
  const folder = resolve(location)
  return {
    name: location,
    folder,
    async list() {
      const entries = await readdir(folder, { recursive: true, withFileTypes: true })
      const paths = entries
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name).slice(folder.length + 1))
      return Promise.all(
        paths.map(async path => ({ path, bytes: (await stat(join(folder, path))).size, sha256: null })),
      )
    },
    text: path => readFile(join(folder, path), 'utf8').catch(() => null),
    read: async (path, start) => createReadStream(join(folder, path), { start, highWaterMark: 1 << 20 }),
  }
}

async function fromHub(
  name: string,
  repository: string,
  revision: string,
  environment: Environment,
): Promise<ModelSource> {
  // Large, and only one command needs it.
  const { downloadFile, listFiles } = await import('@huggingface/hub')
  const token = environment['HF_TOKEN']
  const where = {
    repo: repository,
    revision,
    hubUrl: environment['HF_ENDPOINT'] ?? 'https://huggingface.co',
    ...(token && { accessToken: token }),
  }
  const open = (path: string) => downloadFile({ ...where, path, xet: false })
  return {
    name,
    folder: null,
    async list() {
      const files: SourceFile[] = []
      for await (const { type, path, size, lfs } of listFiles({ ...where, recursive: true })) {
        if (type === 'file') files.push({ path, bytes: lfs?.size ?? size, sha256: lfs?.oid ?? null })
      }
      return files
    },
    async text(path) {
      const file = await open(path)
      return file === null ? null : file.text()
    },
    async read(path, start) {
      const file = await open(path)
      if (file === null) throw new Error(`${name} has no ${path}`)
      return file.slice(start, file.size).stream() as unknown as AsyncIterable<Uint8Array>
    },
  }
}

function fromStore(name: string, store: ObjectStore): ModelSource {
  const open = async (path: string, start: number) => {
    const content = await store.get(path, { start, end: Number.MAX_SAFE_INTEGER })
    return content === null ? null : (content.body as unknown as AsyncIterable<Uint8Array>)
  }
  return {
    name,
    folder: null,
    async list() {
      const files: SourceFile[] = []
      for (let cursor: string | null | undefined; cursor !== null; ) {
        const page = await store.list('', cursor === undefined ? {} : { cursor })
        files.push(...page.objects.map(({ key, size }) => ({ path: key, bytes: size, sha256: null })))
        cursor = page.cursor
      }
      return files
    },
    async text(path) {
      const content = await store.get(path)
      return content === null ? null : new Response(content.body as BodyInit).text()
    },
    async read(path, start) {
      const pieces = await open(path, start)
      if (pieces === null) throw new Error(`${name} has no ${path}`)
      return pieces
    },
  }
}

function fromServer(name: string): ModelSource {
  const urlOf = (path: string) =>
    `${name.replace(/\/+$/, '')}/${path.split('/').map(encodeURIComponent).join('/')}`
  return {
    name,
    folder: null,
    // What is in a folder of a server is for it to know.
    list: async () => null,
    async text(path) {
      const response = await fetch(urlOf(path))
      if (response.status === 404) return null
      if (!response.ok) throw new Error(`${urlOf(path)}: the server answered ${response.status}`)
      return response.text()
    },
    async read(path, start) {
      const response = await fetch(urlOf(path), { headers: start > 0 ? { range: `bytes=${start}-` } : {} })
      if (!response.ok || response.body === null) {
        throw new Error(`${urlOf(path)}: the server answered ${response.status}`)
      }
      const pieces = response.body as unknown as AsyncIterable<Uint8Array>
      return start > 0 && response.status !== 206 ? after(start, pieces) : pieces
    },
  }
}

/** A server that knows no ranges sends all of it. */
async function* after(start: number, pieces: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let skipped = 0
  for await (const piece of pieces) {
    const from = Math.min(piece.byteLength, start - skipped)
    skipped += from
    if (from < piece.byteLength) yield piece.subarray(from)
  }
}
