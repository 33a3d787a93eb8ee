/**
 * Model packs on disk: find, read, verify.
 *
 * Every file that a pack lists is checked against its size and SHA-256 before anything reads it, so that a
 * half-copied or altered model is named at start instead of answering nonsense later.
 */
import { createHash } from 'node:crypto'
import { open, readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { PackManifest } from './manifest.ts'

const READ_BYTES = 1 << 20

export interface Pack<Manifest extends PackManifest = PackManifest> {
  readonly manifest: Manifest
  readonly directory: string
  /** Absolute path of a file that the manifest lists. */
  path(file: string): string
}

/** A pack that can't be used; the message names the file and the remedy. */
export class PackError extends Error {
  override name = 'PackError'
}

/** Reads every pack under `directory` (a folder a pack), and verifies the files of each. */
export async function loadPacks(directory: string): Promise<Map<string, Pack>> {
  const entries = await readdir(directory).catch(() => {
    throw new PackError(`no folder of models at ${directory}; set AURICLE_MODELS to where the packs are`)
  })
  // Links to folders are folders: one pack may be in several places.
  const packs = await Promise.all(entries.map(entry => loadPack(join(directory, entry))))
  const byName = new Map(packs.filter(pack => pack !== null).map(pack => [pack.manifest.name, pack]))
  for (const { manifest } of byName.values()) {
    for (const name of manifest.requires) {
      if (!byName.has(name)) {
        throw new PackError(`pack '${manifest.name}' needs pack '${name}', which is not in ${directory}`)
      }
    }
  }
  return byName
}

/** Reads and verifies one pack; null if the folder has no `pack.json`. */
export async function loadPack(directory: string): Promise<Pack | null> {
  const manifest = await readManifest(directory)
  if (manifest === null) return null
  await Promise.all(
    Object.entries(manifest.files).map(([file, expected]) => verifyFile(join(directory, file), expected)),
  )
  return {
    manifest,
    directory,
    path(file) {
      if (!(file in manifest.files)) {
        throw new PackError(`pack '${manifest.name}' uses '${file}' but doesn't list it in 'files'`)
      }
      return join(directory, file)
    },
  }
}

/** What a folder says that it holds; null if it has no `pack.json`. */
export async function readManifest(directory: string): Promise<PackManifest | null> {
  const path = join(directory, 'pack.json')
  const text = await readFile(path, 'utf8').catch(() => null)
  return text === null ? null : parseManifest(text, path)
}

function parseManifest(text: string, path: string): PackManifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw new PackError(`${path} is not JSON: ${(error as Error).message}`)
  }
  const parsed = PackManifest.safeParse(json)
  if (!parsed.success)
    throw new PackError(`${path} is not a pack manifest:\n${z.prettifyError(parsed.error)}`)
  return parsed.data
}

async function verifyFile(path: string, expected: { sha256: string; bytes: number }): Promise<void> {
  const found = await stat(path).catch(() => null)
  if (!found) throw new PackError(`${path} is missing; fetch the pack again`)
  if (found.size !== expected.bytes) {
    throw new PackError(`${path} has ${found.size} bytes instead of ${expected.bytes}; fetch the pack again`)
  }
  const hash = createHash('sha256')
  const file = await open(path)
  try {
    // One buffer for all of it: a stream leaves as much to the collector as the file is large.
    const buffer = new Uint8Array(READ_BYTES)
    for (let bytesRead = -1; bytesRead !== 0; ) {
      bytesRead = (await file.read(buffer)).bytesRead
      hash.update(buffer.subarray(0, bytesRead))
    }
  } finally {
    await file.close()
  }
  if (hash.digest('hex') !== expected.sha256) {
    throw new PackError(`${path} doesn't have the SHA-256 of its manifest; fetch the pack again`)
  }
}
