import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { loadPack } from '../../../gpu-worker/model/pack.ts'
import { FileServer, type Files } from '../../../test/support/file-server.ts'
import { sha256, smallPack } from '../../../test/support/small-pack.ts'
import { UsageError } from '../usage-error.ts'
import { models } from './models.ts'

let root: string
let folder: string
let printed: string[]
const servers: FileServer[] = []

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'auricle-models-'))
  folder = join(root, 'models')
  await mkdir(folder)
  vi.stubEnv('AURICLE_MODELS', folder)
  printed = []
  vi.spyOn(console, 'log').mockImplementation(line => printed.push(String(line)))
  vi.spyOn(process.stderr, 'write').mockReturnValue(true)
})
afterEach(async () => {
  await Promise.all(servers.splice(0).map(server => server.stop()))
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  await rm(root, { recursive: true })
})

async function serve(files: Files, large: readonly string[] = []): Promise<FileServer> {
  const server = await new FileServer(files, new Map(large.map(path => [path, sha256(files[path]!)]))).start()
  servers.push(server)
  vi.stubEnv('HF_ENDPOINT', server.url)
  return server
}

async function write(files: Files, to: string): Promise<string> {
  for (const [path, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(to, path)), { recursive: true })
    await writeFile(join(to, path), bytes)
  }
  return to
}

/** What the folder of models holds of it. */
async function expectAdded(name: string, files: Files): Promise<void> {
  const pack = await loadPack(join(folder, name))
  expect(pack?.manifest.name).toBe(name)
  for (const [path, bytes] of Object.entries(files)) {
    if (path !== 'pack.json') expect(await readFile(join(folder, name, path))).toEqual(bytes)
  }
  expect((await readdir(folder)).filter(each => each.startsWith('.'))).toEqual([])
}

describe('auricle models add', () => {
  test('takes a pack from the hub, each file verified, under the name that it is given', async () => {
    const files = smallPack()
    await serve(files, ['model.onnx'])
    await models(['add', 'mine', '--from', 'auricle/tiny'])
    await expectAdded('mine', files)
    expect(printed.join('\n')).toMatch(/model\.onnx {2}300\.0 kB {2}verified/)
    expect(printed.join('\n')).toContain("needs 'whisper-tiny.en'")
  })

  test.each(['hub', 'server', 'server without ranges'])(
    'goes on where the connection broke: %s',
    async kind => {
      const files = smallPack()
      const server = await serve(files)
      server.ignoresRanges = kind === 'server without ranges'
      server.breakAfter = [Number.MAX_SAFE_INTEGER, 200_000]
      await models(['add', 'mine', '--from', kind === 'hub' ? 'auricle/tiny' : server.url])
      await expectAdded('mine', files)
      const parts = server.requests.filter(each => /model\.onnx bytes=[1-9]/.test(each))
      expect(parts.length).toBeGreaterThan(0)
    },
  )

  test('goes on where the command was interrupted, and puts nothing in place before all is there', async () => {
    const files = smallPack()
    const server = await serve(files)
    server.breakAfter = [Number.MAX_SAFE_INTEGER, 100_000, 0, 0, 0]
    const add = () => models(['add', 'mine', '--from', server.url])
    await expect(add()).rejects.toThrow(/model\.onnx: .*Run the command again/)
    expect(await readdir(folder)).toEqual(['.adding-mine'])
    await models(['list'])
    expect(printed.at(-1)).toContain('mine  interrupted')
    server.breakAfter = []
    server.requests.length = 0
    await add()
    await expectAdded('mine', files)
    const [range] = server.requests.filter(each => each.includes('model.onnx'))
    const { size } = await stat(join(folder, 'mine', 'model.onnx'))
    const start = Number(/bytes=(\d+)-/.exec(range!)![1])
    expect(start).toBeGreaterThan(0)
    expect(start).toBeLessThan(size)
  })

  test('refuses a file that is not what the manifest says, and keeps nothing of it', async () => {
    const files = smallPack()
    const wrong = Buffer.from(files['model.onnx']!)
    wrong[1000]! ^= 1
    const server = await serve({ ...files, 'model.onnx': wrong })
    await expect(models(['add', 'mine', '--from', server.url])).rejects.toThrow(/model\.onnx .*SHA-256/)
    expect(await readdir(join(folder, '.adding-mine', 'pack'))).not.toContain('model.onnx')
    await models(['remove', 'mine'])
    expect(await readdir(folder)).toEqual([])
  })

  test('takes a folder; refuses what is there already', async () => {
    const files = smallPack()
    const from = await write(files, join(root, 'from'))
    await models(['add', 'mine', '--from', from])
    await expectAdded('mine', files)
    await expect(models(['add', 'mine', '--from', from])).rejects.toThrow('already')
  })

  test('refuses a manifest that would write elsewhere', async () => {
    const files = smallPack()
    const manifest = JSON.parse(files['pack.json']!.toString())
    manifest.files['../../evil'] = manifest.files['model.onnx']
    const from = await write(
      { ...files, 'pack.json': Buffer.from(JSON.stringify(manifest)) },
      join(root, 'from'),
    )
    await expect(models(['add', 'mine', '--from', from])).rejects.toThrow('refused')
  })

  test('a model larger than the disk is refused before anything is fetched', async () => {
    const files = smallPack()
    const manifest = JSON.parse(files['pack.json']!.toString())
    manifest.files['model.onnx'].bytes = 9e15
    const server = await serve({ ...files, 'pack.json': Buffer.from(JSON.stringify(manifest)) })
    await expect(models(['add', 'mine', '--from', server.url])).rejects.toThrow(/free.*9000\.0 TB/)
    expect(server.requests.filter(each => each.includes('onnx'))).toEqual([])
  })

  describe('of a checkpoint', () => {
    const checkpoint = (architecture = 'Qwen2AudioForConditionalGeneration'): Files => ({
      'config.json': Buffer.from(JSON.stringify({ architectures: [architecture] })),
      'model-00001-of-00001.safetensors': Buffer.alloc(5000, 1),
      'pytorch_model.bin': Buffer.alloc(9000, 2),
    })

    /** In the place of Python: a script that is told the same. */
    async function python(script: string): Promise<void> {
      const path = join(root, 'python')
      await writeFile(path, `#!/bin/sh\n${script}\n`)
      await chmod(path, 0o755)
      vi.stubEnv('AURICLE_PYTHON', path)
    }

    test('fetches what is read and hands it to the exporter', async () => {
      const files = smallPack()
      const made = await write(files, join(root, 'made'))
      await python(
        `echo "$@" > ${root}/said; ls $3 > ${root}/given; cp -r ${made} $4; sed -i 's/"small"/"mine"/' $4/pack.json`,
      )
      await serve(checkpoint(), ['model-00001-of-00001.safetensors'])
      await models(['add', 'mine', '--from', 'auricle/tiny@main', '--weights', 'int4', '--precision', 'fp16'])
      await expectAdded('mine', files)
      expect(await readFile(join(root, 'said'), 'utf8')).toMatch(
        /^-m training\.export\.qwen2_audio \S+checkpoint \S+pack --name mine --weights int4 --precision fp16\n$/,
      )
      expect(await readFile(join(root, 'given'), 'utf8')).toBe(
        'config.json\nmodel-00001-of-00001.safetensors\n',
      )
    })

    test.each<[string, string | null, RegExp]>([
      ['no Python', null, /can't be run.*AURICLE_PYTHON/],
      [
        'no packages',
        `echo "ModuleNotFoundError: No module named 'torch'" >&2; exit 1`,
        /no package 'torch'.*pip install/,
      ],
      ['a failure', 'exit 3', /ended with 3/],
    ])('says what is missing: %s', async (_, script, message) => {
      if (script === null) vi.stubEnv('AURICLE_PYTHON', join(root, 'nothing'))
      else await python(script)
      const from = await write(checkpoint(), join(root, 'from'))
      await expect(models(['add', 'mine', '--from', from])).rejects.toThrow(message)
    })

    test('says which architectures there are', async () => {
      const from = await write(checkpoint('LlamaForCausalLM'), join(root, 'from'))
      await expect(models(['add', 'mine', '--from', from])).rejects.toThrow(/LlamaForCausalLM.*Qwen2Audio/)
      const empty = await write({ 'README.md': Buffer.from('') }, join(root, 'empty'))
      await expect(models(['add', 'mine', '--from', empty])).rejects.toThrow('neither pack.json')
    })
  })
})

test('lists what is there and what of it is missing, and removes it unless it is needed', async () => {
  const needed = smallPack()
  const manifest = JSON.parse(needed['pack.json']!.toString())
  const rename = (name: string, requires: string[]) =>
    Buffer.from(JSON.stringify({ ...manifest, name, requires }))
  await write({ ...needed, 'pack.json': rename('ear', []) }, join(folder, 'ear'))
  await write({ ...needed, 'pack.json': rename('mouth', ['ear']) }, join(folder, 'mouth'))
  await models(['list', '--verify'])
  expect(printed).toEqual([
    'ear  silero-vad  301.0 kB  MIT  verified',
    'mouth  silero-vad  301.0 kB  MIT  verified',
  ])
  await rm(join(folder, 'mouth', 'model.onnx'))
  printed = []
  await models(['list'])
  expect(printed[1]).toContain('1 files are missing')
  await expect(models(['remove', 'ear'])).rejects.toThrow("'mouth' needs 'ear'")
  await models(['remove', 'mouth'])
  await models(['remove', 'ear'])
  expect(await readdir(folder)).toEqual([])
})

test.each([
  [[]],
  [['add']],
  [['add', 'mine']],
  [['add', 'A/B', '--from', 'x/y']],
  [['add', 'mine', '--from', 'nowhere']],
])('%j is a wrong call', async args => {
  await expect(models(args)).rejects.toThrow(UsageError)
})
