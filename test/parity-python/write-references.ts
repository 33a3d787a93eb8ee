/** Before the tests: Python makes the tiny checkpoint, its pack, and what transformers answers. */
import { execFileSync } from 'node:child_process'
import { existsSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { CHECKPOINT_FOLDER, HALF_FOLDER, PARITY_FOLDER } from './references.ts'

export default function writeReferences(): void {
  const python = process.env['AURICLE_PARITY_PYTHON'] ?? join(PARITY_FOLDER, 'python', 'bin', 'python')
  const vocabulary = join(PARITY_FOLDER, 'vocabulary', 'tokenizer.json')
  for (const file of [python, vocabulary]) {
    if (!existsSync(file)) throw new Error(`${file} is missing: scripts/install-parity.sh installs it.`)
  }
  const run = (module: string, ...args: string[]) =>
    execFileSync(python, ['-m', module, ...args], { stdio: ['ignore', 'inherit', 'inherit'] })
  const out = join(PARITY_FOLDER, 'qwen2-audio')
  rmSync(out, { recursive: true, force: true })
  run('training.goldens.qwen2_audio', '--vocabulary', vocabulary, '--out', out)
  const half = ['--name', 'half', '--weights', 'fp16', '--precision', 'fp16']
  run('training.export.qwen2_audio', CHECKPOINT_FOLDER, join(HALF_FOLDER, 'half'), ...half)
}
