/** One file of a model, fetched to its place: goes on where it was interrupted, and is checked before it counts. */
import { createHash, type Hash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { ModelSource, SourceFile } from './source.ts'

/** Told how many bytes of a file are there. */
export type Progress = (bytes: number) => void

/** Connections that broke without bringing anything, one after the other, before it is given up. */
const maxFruitless = 3

/**
 * @param path where it is to lie; what is there already and has the right hash isn't fetched
 * @throws Error when the source fails again and again, or what came isn't the file
 */
export async function fetchFile(
  source: ModelSource,
  file: SourceFile,
  path: string,
  progress: Progress = () => {},
): Promise<void> {
  if (await isThere(file, path)) return progress(file.bytes)
  const partial = `${path}.partial`
  await mkdir(dirname(path), { recursive: true })
  let fruitless = 0
  while (true) {
    const hash = createHash('sha256')
    let have = await hashOf(partial, hash)
    if (have > file.bytes) {
      await rm(partial)
      continue
    }
    const had = have
    progress(have)
    const to = await open(partial, 'a')
    try {
      if (have < file.bytes) {
        for await (const piece of await source.read(file.path, have)) {
          await to.write(piece)
          hash.update(piece)
          have += piece.byteLength
          progress(have)
          if (have > file.bytes) break
        }
      }
      await to.sync()
    } catch (cause) {
      fruitless = have > had ? 0 : fruitless + 1
      if (fruitless < maxFruitless) continue
      throw new Error(`${file.path}: ${messageOf(cause)}. Run the command again: it goes on from there.`, {
        cause,
      })
    } finally {
      await to.close()
    }
    if (have < file.bytes) {
      // A connection that ended early without saying so.
      fruitless = have > had ? 0 : fruitless + 1
      if (fruitless < maxFruitless) continue
    }
    const found = hash.digest('hex')
    if (have === file.bytes && (file.sha256 === null || found === file.sha256)) return rename(partial, path)
    await rm(partial)
    throw new Error(
      `${file.path} from ${source.name} isn't what it should be: ${have} bytes with SHA-256 ${found}, expected ${file.bytes} with ${file.sha256 ?? 'any'}. It was thrown away; run the command again, and tell who keeps the model if that doesn't help.`,
    )
  }
}

async function isThere({ bytes, sha256 }: SourceFile, path: string): Promise<boolean> {
  const found = await stat(path).catch(() => null)
  if (found?.size !== bytes) return false
  const hash = createHash('sha256')
  await hashOf(path, hash)
  return sha256 === null || hash.digest('hex') === sha256
}

/** Hashes what is there of a file; its bytes. */
async function hashOf(path: string, hash: Hash): Promise<number> {
  if ((await stat(path).catch(() => null)) === null) return 0
  let bytes = 0
  for await (const piece of createReadStream(path, { highWaterMark: 1 << 20 })) {
    hash.update(piece as Buffer)
    bytes += (piece as Buffer).byteLength
  }
  return bytes
}

function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
