/** The examples of the SDK, over the built package, bundled for runtimes that aren't Node; and what each must print. */
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'
import { buildPackage } from '../../sdk/build.ts'

const support = fileURLToPath(new URL('.', import.meta.url))

/** @returns path of the module, in `folder` */
export async function bundleExamples(folder: string): Promise<string> {
  await buildPackage()
  await build({
    cwd: support,
    config: false,
    entry: 'run-example.ts',
    outDir: folder,
    platform: 'neutral',
    fixedExtension: false,
    deps: { alwaysBundle: [/./] },
    // The package as published, not its sources.
    alias: { '@auricle/sdk': fileURLToPath(new URL('../../sdk/dist/index.js', import.meta.url)) },
    tsconfig: false,
    dts: false,
    logLevel: 'warn',
  })
  return join(folder, 'run-example.js')
}

/** Examples, and what they print about the inaugural address. */
export const printed: [name: string, RegExp][] = [
  ['ask', /ask not what your country can do for you[\s\S]*\n11\.0 s were heard\.\n$/i],
  ['transcribe', /ask not what your country[\s\S]*\n\n1\n00:00:0\d,\d{3} --> 00:00:\d\d,\d{3}\n/i],
  ['extract', /^(speech|music|noise): .*\n$/],
  [
    'handle-errors',
    /^not found \(model_not_found\): .*\ninvalid \(audio_(unreadable|format_unsupported)\): .*\ncancelled\n$/,
  ],
]
