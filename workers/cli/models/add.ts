/** Puts a model into the folder of models: whole, or not at all. */
import { spawn } from 'node:child_process'
import { mkdir, readdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { PackManifest } from '../../../gpu-worker/model/manifest.ts'
import { fetchFile } from './fetch-file.ts'
import { formatBytes } from './format-bytes.ts'
import type { ModelSource, SourceFile } from './source.ts'

export interface AddOptions {
  /** The folder of models. */
  models: string
  /** What it is to be called. */
  name: string
  source: ModelSource
  /** Of the language model, where a checkpoint becomes a pack; the exporter's own where it is left out. */
  weights?: string | undefined
  precision?: string | undefined
  /** Command that runs Python. */
  python: string
  /** Told what goes on, a line at a time. */
  log: (line: string) => void
  /** Told how far a file is; bytes. */
  progress?: (path: string, have: number, all: number) => void
}

/** Architectures of transformers that can become packs, and who makes them. */
const exporters: Readonly<Record<string, string>> = {
  Qwen2AudioForConditionalGeneration: 'training.export.qwen2_audio',
}

/** Of a checkpoint, what is read: weights in other formats are left where they are. */
const checkpointFile = /\.(safetensors|json|txt|jinja)$/
/** Room that is left on the disk beside the model. */
const spareBytes = 256 * 1024 * 1024

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/**
 * Adds it, going on where an earlier try was interrupted.
 * @returns what the folder then holds
 * @throws Error that says what is wrong and what to do
 */
export async function addModel(options: AddOptions): Promise<PackManifest> {
  const { models, name, source, log } = options
  const place = join(models, name)
  if (await exists(place)) {
    throw new Error(`${place} is there already; 'auricle models remove ${name}' removes it`)
  }
  // Its name begins with a dot and it has no pack.json until all of it is there: no worker takes it for a model.
  const staging = join(models, `.adding-${name}`)
  const manifest = await source.text('pack.json')
  const pack =
    manifest === null
      ? await exportCheckpoint(options, staging)
      : await fetchPack(options, parseManifest(manifest, source), join(staging, 'pack'))
  await rename(join(staging, 'pack'), place)
  await rm(staging, { recursive: true, force: true })
  const there = new Set(await readdir(models))
  for (const needed of pack.requires.filter(each => !there.has(each))) {
    log(`It needs '${needed}', which is not in ${models} yet: add it too.`)
  }
  return pack
}

async function fetchPack(options: AddOptions, manifest: PackManifest, folder: string): Promise<PackManifest> {
  const { name, source } = options
  const files = Object.entries(manifest.files).map(([path, file]) => ({ path, ...file }))
  await fetchAll(options, files, folder)
  const licence = await source.text('LICENSE')
  if (licence !== null && !('LICENSE' in manifest.files)) await writeFile(join(folder, 'LICENSE'), licence)
  const renamed = { ...manifest, name }
  await writeFile(join(folder, 'pack.json'), `${JSON.stringify(renamed, null, 2)}\n`)
  return renamed
}

async function exportCheckpoint(options: AddOptions, staging: string): Promise<PackManifest> {
  const { name, source, weights, precision, python, log } = options
  const exporter = exporterOf(await source.text('config.json'), source)
  let checkpoint = source.folder
  if (checkpoint === null) {
    const files = await source.list()
    if (files === null) {
      throw new Error(
        `${source.name} can't tell which files it has; download the checkpoint, and give its folder`,
      )
    }
    checkpoint = join(staging, 'checkpoint')
    await fetchAll(
      options,
      files.filter(({ path }) => checkpointFile.test(path)),
      checkpoint,
    )
  }
  const out = join(staging, 'pack')
  await mkdir(staging, { recursive: true })
  log(`Making a pack of ${checkpoint} ...`)
  await runPython(python, [
    ...['-m', exporter, checkpoint, out, '--name', name],
    ...(weights === undefined ? [] : ['--weights', weights]),
    ...(precision === undefined ? [] : ['--precision', precision]),
  ])
  const { loadPack } = await import('../../../gpu-worker/model/pack.ts')
  const pack = await loadPack(out)
  if (pack === null) throw new Error(`the exporter ended without a pack in ${out}`)
  return pack.manifest
}

async function fetchAll(options: AddOptions, files: readonly SourceFile[], folder: string): Promise<void> {
  const { models, source, log, progress } = options
  await mkdir(folder, { recursive: true })
  await checkSpace(models, files, folder)
  const all = files.reduce((total, { bytes }) => total + bytes, 0)
  log(`${files.length} files, ${formatBytes(all)}, from ${source.name}`)
  for (const file of files) {
    await fetchFile(source, file, join(folder, file.path), have => progress?.(file.path, have, file.bytes))
    log(`  ${file.path}  ${formatBytes(file.bytes)}${file.sha256 === null ? '' : '  verified'}`)
  }
}

async function checkSpace(models: string, files: readonly SourceFile[], folder: string): Promise<void> {
  let missing = 0
  for (const { path, bytes } of files) {
    const there = await Promise.all([`${path}`, `${path}.partial`].map(each => sizeOf(join(folder, each))))
    missing += Math.max(0, bytes - Math.max(...there))
  }
  const { bavail, bsize } = await statfs(models)
  if (bavail * bsize >= missing + spareBytes) return
  throw new Error(
    `${models} has ${formatBytes(bavail * bsize)} free, and ${formatBytes(missing)} are still to come; make room, or set AURICLE_MODELS to another disk`,
  )
}

function parseManifest(text: string, source: ModelSource): PackManifest {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    throw new Error(`pack.json of ${source.name} is not JSON`)
  }
  const parsed = PackManifest.safeParse(json)
  if (!parsed.success) {
    throw new Error(
      `pack.json of ${source.name} is not a pack's that this version knows:\n${z.prettifyError(parsed.error)}`,
    )
  }
  const outside = Object.keys(parsed.data.files).find(path => !/^[\w-][\w.-]*(\/[\w-][\w.-]*)*$/.test(path))
  if (outside !== undefined)
    throw new Error(`pack.json of ${source.name} names a file '${outside}', which is refused`)
  return parsed.data
}

function exporterOf(config: string | null, source: ModelSource): string {
  if (config === null) {
    throw new Error(
      `${source.name} is no model: it has neither pack.json (a pack) nor config.json (a checkpoint of transformers)`,
    )
  }
  let architectures: unknown
  try {
    architectures = JSON.parse(config)?.architectures
  } catch {
    throw new Error(`config.json of ${source.name} is not JSON`)
  }
  const names = Array.isArray(architectures) ? architectures.map(String) : []
  const known = names.find(each => Object.hasOwn(exporters, each))
  if (known !== undefined) return exporters[known]!
  throw new Error(
    `${source.name} is a checkpoint of ${names.join(', ') || 'no named architecture'}; what can become a pack: ${Object.keys(exporters).join(', ')}`,
  )
}

/** @throws Error that names what is missing */
function runPython(python: string, args: readonly string[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(python, args, { cwd: repository, stdio: ['ignore', 'inherit', 'pipe'] })
    let complaint = ''
    child.stderr.on('data', (piece: Buffer) => {
      process.stderr.write(piece)
      complaint = (complaint + piece.toString()).slice(-4096)
    })
    child.on('error', cause => {
      const message = `'${python}' can't be run: a checkpoint becomes a pack by Python 3.11 or newer. Install it, or name one in AURICLE_PYTHON.`
      reject(new Error(message, { cause }))
    })
    child.on('close', code => {
      if (code === 0) return resolve()
      const missing = /No module named '([\w.]+)'/.exec(complaint)?.[1]
      const help =
        missing === undefined
          ? `The exporter ended with ${code}.`
          : `Python has no package '${missing}'. Install them (\`${python} -m pip install ./training\`), or name a Python that has them in AURICLE_PYTHON.`
      reject(new Error(`${help} Run the command again: it goes on from there.`))
    })
  })
}

async function exists(path: string): Promise<boolean> {
  return (await stat(path).catch(() => null)) !== null
}

async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => null))?.size ?? 0
}
