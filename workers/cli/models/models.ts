/** `auricle models ...`: the packs in the folder of models (AURICLE_MODELS, or `models/` of this checkout). */
import { readdir, rm, stat } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { PackManifest } from '../../../gpu-worker/model/manifest.ts'
import { loadPack, readManifest } from '../../../gpu-worker/model/pack.ts'
import { readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { addModel } from './add.ts'
import { formatBytes } from './format-bytes.ts'
import { openSource } from './source.ts'

const usage = `auricle models list [--verify]      what is there; with --verify every file is held against its hash
auricle models add NAME --from SOURCE
  SOURCE         OWNER/NAME[@REVISION] of the Hugging Face hub (HF_TOKEN, HF_ENDPOINT), a folder, s3://BUCKET/PREFIX,
                 or an https: URL: a pack, or a checkpoint of Qwen2-Audio, which Python makes a pack of (AURICLE_PYTHON)
  --weights      int4, int8 or fp16: of the language model, where a checkpoint becomes a pack
  --precision    fp32 or fp16: what is computed in; fp16 on GPUs
auricle models remove NAME
  --models DIR   the folder of models; otherwise AURICLE_MODELS, or that of this checkout`

const defaultFolder = fileURLToPath(new URL('../../../models', import.meta.url))

/** The command. @throws UsageError */
export async function models(args: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  if (args[0] === '--help' || args[0] === '-h') return console.log(usage)
  const { values, positionals } = readArguments(
    args,
    { from: text, weights: text, precision: text, models: text, verify: { type: 'boolean' } },
    usage,
  )
  const [action = '', name = ''] = positionals
  const folder = resolve(values.models ?? process.env['AURICLE_MODELS'] ?? defaultFolder)
  if (action === 'list') return list(folder, values.verify ?? false)
  if (!['add', 'remove'].includes(action) || name === '') throw new UsageError(usage)
  if (!/^[a-z0-9][a-z0-9.-]*$/.test(name)) {
    throw new UsageError(`'${name}' is no name of a model: small letters, digits, . and -`)
  }
  if (action === 'remove') return remove(folder, name)
  if (values.from === undefined) throw new UsageError(`--from says where it comes from\n${usage}`)
  const pack = await addModel({
    models: folder,
    name,
    source: await openSource(values.from, process.env),
    weights: values.weights,
    precision: values.precision,
    python: process.env['AURICLE_PYTHON'] || 'python3',
    log: line => console.log(line),
    ...(process.stderr.isTTY && { progress: showProgress }),
  })
  console.log(
    `${name} (${pack.architecture}, ${pack.licence}) is in ${join(folder, name)}. A worker that starts now serves it.`,
  )
}

async function list(folder: string, verify: boolean): Promise<void> {
  for (const [name, pack] of await packsOf(folder)) {
    const bytes = Object.values(pack.files).reduce((total, file) => total + file.bytes, 0)
    const state = await (verify ? verified(join(folder, name)) : complete(join(folder, name), pack))
    console.log([name, pack.architecture, formatBytes(bytes), pack.licence, state].join('  '))
  }
  for (const entry of await readdir(folder)) {
    if (entry.startsWith('.adding-'))
      console.log(`${entry.slice('.adding-'.length)}  interrupted: add it again`)
  }
}

async function remove(folder: string, name: string): Promise<void> {
  const packs = await packsOf(folder)
  const begun = join(folder, `.adding-${name}`)
  const isBegun = (await stat(begun).catch(() => null)) !== null
  if (!packs.has(name) && !isBegun) throw new Error(`there is no model '${name}' in ${folder}`)
  const user = [...packs].find(([other, { requires }]) => other !== name && requires.includes(name))
  if (user !== undefined) throw new Error(`'${user[0]}' needs '${name}'; remove that first`)
  await rm(begun, { recursive: true, force: true })
  await rm(join(folder, name), { recursive: true, force: true })
  console.log(`${name} is removed.`)
}

/** By the name of their folder. */
async function packsOf(folder: string): Promise<Map<string, PackManifest>> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => {
    throw new Error(`there is no folder ${folder}; set AURICLE_MODELS to where the models are`)
  })
  const packs = new Map<string, PackManifest>()
  for (const entry of entries.filter(each => each.isDirectory() && !each.name.startsWith('.'))) {
    const manifest = await readManifest(join(folder, entry.name))
    if (manifest !== null) packs.set(entry.name, manifest)
  }
  return packs
}

async function complete(folder: string, { files }: PackManifest): Promise<string> {
  const sizes = await Promise.all(
    Object.keys(files).map(async path => (await stat(join(folder, path)).catch(() => null))?.size ?? 0),
  )
  const missing = Object.values(files).filter(({ bytes }, index) => bytes !== sizes[index]).length
  return missing === 0 ? 'complete' : `${missing} files are missing or cut off`
}

async function verified(folder: string): Promise<string> {
  return loadPack(folder).then(
    () => 'verified',
    (error: Error) => error.message,
  )
}

function showProgress(path: string, have: number, all: number): void {
  const share = all === 0 ? 1 : have / all
  process.stderr.write(`\r  ${path}  ${Math.floor(share * 100)} %\x1b[K${have === all ? '\r\x1b[K' : ''}`)
}
