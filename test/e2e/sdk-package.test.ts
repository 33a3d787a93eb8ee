/** The package as it would be published: what is in it, how large it is, and whether its types hold. */
import { execFile } from 'node:child_process'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { checkPackage, createPackageFromTarballData } from '@arethetypeswrong/core'
import { publint } from 'publint'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { buildPackage } from '../../sdk/build.ts'
import { writeWireTypes } from '../../sdk/wire-types.ts'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const sdk = join(root, 'sdk')
const tsc = join(root, 'node_modules/.bin/tsc')
let scratch: string

beforeAll(async () => {
  await mkdir(join(root, 'build'), { recursive: true })
  // Within the repository, so that zod is found.
  scratch = await mkdtemp(join(root, 'build/sdk-package-'))
  await buildPackage()
})
afterAll(() => rm(scratch, { recursive: true }))

/** Compiles some files as a project of their own. */
async function compile(files: string[], options: object = {}): Promise<string> {
  const config = join(scratch, 'tsconfig.json')
  const compilerOptions = {
    target: 'es2022',
    lib: ['es2022', 'dom', 'dom.iterable', 'dom.asynciterable'],
    module: 'nodenext',
    types: [],
    strict: true,
    exactOptionalPropertyTypes: true,
    noUncheckedIndexedAccess: true,
    allowImportingTsExtensions: true,
    noEmit: true,
    ...options,
  }
  await writeFile(config, JSON.stringify({ compilerOptions, files }))
  return run(tsc, ['-p', config]).then(
    () => '',
    error => error.stdout,
  )
}

test('is one module of less than 12 KB, gzipped, that imports nothing', async () => {
  const code = await readFile(join(sdk, 'dist/index.js'))
  expect(gzipSync(code).length).toBeLessThan(12 * 1024)
  expect(code.toString()).not.toMatch(/\bimport\s*[({"'*]|\brequire\(/)
  expect(await readFile(join(sdk, 'dist/index.d.ts'), 'utf8')).not.toMatch(/\bimport\(|\bfrom ["']/)
  const { dependencies, peerDependencies, optionalDependencies } = JSON.parse(
    await readFile(join(sdk, 'package.json'), 'utf8'),
  )
  expect({ ...dependencies, ...peerDependencies, ...optionalDependencies }).toEqual({})
})

test('has nothing for publint and are-the-types-wrong to say', async () => {
  const { messages } = await publint({ pkgDir: sdk, strict: true })
  expect(messages).toEqual([])

  await run('npm', ['pack', '--silent', '--ignore-scripts', '--pack-destination', scratch], { cwd: sdk })
  const { stdout } = await run('tar', ['-tzf', join(scratch, 'auricle-sdk-0.1.0.tgz')])
  expect(stdout.trim().split('\n').sort()).toEqual([
    'package/README.md',
    'package/dist/index.d.ts',
    'package/dist/index.js',
    'package/package.json',
  ])
  const tarball = await readFile(join(scratch, 'auricle-sdk-0.1.0.tgz'))
  const result = await checkPackage(createPackageFromTarballData(new Uint8Array(tarball)))
  expect(result.types).toEqual({ kind: 'included' })
  // A package of ES modules alone: `require` of it needs Node 22 or newer.
  const problems = result.types ? (result as { problems: { kind: string }[] }).problems : []
  expect(problems.filter(({ kind }) => kind !== 'CJSResolvesToESM')).toEqual([])
})

test('its types let through what is right and nothing else', async () => {
  expect(await compile([join(sdk, 'types.check.ts')])).toBe('')
})

test('its types need no more than a browser or Node has', async () => {
  const file = join(scratch, 'plain.ts')
  await writeFile(file, `import type * as sdk from '${join(sdk, 'dist/index.js')}'\nexport type { sdk }\n`)
  expect(await compile([file])).toBe('')
  expect(await compile([file], { lib: ['es2024'], types: ['node'] })).toBe('')
})

test('the types written out are those of the schemas', async () => {
  const source = await readFile(join(sdk, 'src/wire.ts'), 'utf8')
  const names = [...source.matchAll(/^export type (\w+)/gm)].map(([, name]) => name!)
  expect(names).toContain('ChatCompletionRequest')
  await writeFile(join(scratch, 'written.ts'), writeWireTypes())
  const file = join(scratch, 'equal.ts')
  await writeFile(
    file,
    [
      `import type * as written from './written.ts'`,
      `import type * as inferred from '${join(sdk, 'src/wire.ts')}'`,
      'type Equal<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false',
      ...names.map(name => `export const ${name}: Equal<written.${name}, inferred.${name}> = true`),
      // So that a check that lets everything through would be seen.
      '// @ts-expect-error',
      'export const other: Equal<written.Model, inferred.ModelList> = true',
    ].join('\n'),
  )
  const options = { lib: ['es2024', 'dom', 'dom.iterable', 'esnext'], skipLibCheck: true, types: ['node'] }
  expect(await compile([file], options)).toBe('')
})
