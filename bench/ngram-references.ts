/** KenLM's programs, put there by scripts/install-ngram-references.sh, and the text that both are measured on. */
import { execFile } from 'node:child_process'
import { access, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { gunzipSync } from 'node:zlib'

const DIRECTORY =
  process.env['AURICLE_REFERENCES'] ?? fileURLToPath(new URL('../build/references', import.meta.url))
const TEXT =
  process.env['AURICLE_NGRAM_TEXT'] ??
  fileURLToPath(new URL('../training/data/sentences.txt.gz', import.meta.url))

/** 439,000 words in 49,000 sentences, or the text (a sentence a line, plain or in gzip) that AURICLE_NGRAM_TEXT names. */
export async function readBenchText(): Promise<string> {
  const bytes = await readFile(TEXT)
  return (bytes[0] === 0x1f && bytes[1] === 0x8b ? gunzipSync(bytes) : bytes).toString()
}

/**
 * Runs one of KenLM's programs in the shell's words, e.g. `lmplz -o 5 < text > arpa`; returns what it said on stderr.
 * @throws Error when KenLM isn't installed or fails
 */
export async function runKenlm(command: string): Promise<string> {
  const folder = join(DIRECTORY, 'kenlm/build/bin')
  await access(join(folder, 'lmplz')).catch(() => {
    throw new Error(
      `KenLM isn't installed (${folder} is missing): run scripts/install-ngram-references.sh, ` +
        'or name its folder in AURICLE_REFERENCES.',
    )
  })
  const environment = { ...process.env, PATH: `${folder}:${process.env['PATH']}` }
  const { stderr, stdout } = await promisify(execFile)('sh', ['-c', command], {
    env: environment,
    maxBuffer: 1 << 28,
  })
  return stdout + stderr
}
