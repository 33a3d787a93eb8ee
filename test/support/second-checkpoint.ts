/** A folder of packs in which pocket has a second checkpoint, `other`: the committed one with its adapter weakened. */
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import type { PocketManifest } from '../../gpu-worker/model/manifest.ts'

export interface PacksWithTwo {
  folder: string
  /** The committed checkpoint's name. */
  committed: string
  remove(): Promise<void>
}

const models = resolve('models')
const adapter = 'checkpoints/other/adapter.safetensors'

/** All but what is new are links. */
export async function packsWithSecondCheckpoint(): Promise<PacksWithTwo> {
  const folder = await mkdtemp(join(tmpdir(), 'auricle-models-'))
  await linkFiles(models, folder)
  const pocket = join(folder, 'pocket')
  await mkdir(join(pocket, 'checkpoints/other'))
  const manifest: PocketManifest = JSON.parse(await readFile(join(models, 'pocket/pack.json'), 'utf8'))
  const committed = manifest.checkpoints.find(({ name }) => name === manifest.default_checkpoint)!
  const bytes = weakened(await readFile(join(models, 'pocket', committed.adapter)))
  await writeFile(join(pocket, adapter), bytes)
  manifest.files[adapter] = {
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.byteLength,
  }
  manifest.checkpoints.push({ ...committed, name: 'other', adapter })
  await rm(join(pocket, 'pack.json'))
  await writeFile(join(pocket, 'pack.json'), JSON.stringify(manifest))
  return { folder, committed: committed.name, remove: () => rm(folder, { recursive: true }) }
}

/** The same folders, of links to the files. */
async function linkFiles(from: string, to: string): Promise<void> {
  for (const entry of await readdir(from, { withFileTypes: true })) {
    const [source, target] = [join(from, entry.name), join(to, entry.name)]
    if (!entry.isDirectory()) await symlink(source, target)
    else {
      await mkdir(target)
      await linkFiles(source, target)
    }
  }
}

/** Half of each LoRA's second matrix: the decoder answers half as the adapter has it. */
function weakened(file: Buffer): Buffer {
  const bytes = Buffer.from(file)
  const headerLength = Number(bytes.readBigUInt64LE(0))
  const header: Record<string, { dtype?: string; data_offsets?: [number, number] }> = JSON.parse(
    bytes.subarray(8, 8 + headerLength).toString(),
  )
  for (const [name, { dtype, data_offsets: offsets }] of Object.entries(header)) {
    if (!name.endsWith('_b') || offsets === undefined) continue
    const [start, end] = offsets.map(offset => 8 + headerLength + offset) as [number, number]
    const copy = Uint8Array.from(bytes.subarray(start, end))
    const values = dtype === 'F16' ? new Float16Array(copy.buffer) : new Float32Array(copy.buffer)
    values.forEach((value, index) => {
      values[index] = value / 2
    })
    bytes.set(copy, start)
  }
  return bytes
}
