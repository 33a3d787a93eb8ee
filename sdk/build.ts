/** Builds `dist/`: one module, and one file of types that needs nothing else. */
import { fileURLToPath } from 'node:url'
import { build } from 'tsdown'
import { writeWireTypes } from './wire-types.ts'

const folder = fileURLToPath(new URL('.', import.meta.url))
const wire = fileURLToPath(new URL('./src/wire.ts', import.meta.url))

/** @param outDir where to */
export async function buildPackage(outDir = 'dist'): Promise<void> {
  await build({
    cwd: folder,
    config: false,
    entry: 'src/index.ts',
    outDir,
    platform: 'neutral',
    target: 'es2022',
    fixedExtension: false,
    dts: { oxc: true },
    minify: true,
    logLevel: 'warn',
    plugins: [
      {
        name: 'wire-types',
        load: id => (id === wire ? { code: writeWireTypes(), moduleType: 'ts' } : null),
      },
    ],
  })
}

if (import.meta.main) await buildPackage()
