/** Models and texts as files: what they are is seen from their first bytes, what to write from the name. */
import { createReadStream, createWriteStream } from 'node:fs'
import { open, readFile, writeFile } from 'node:fs/promises'
import { Readable, Writable } from 'node:stream'
import { readArpa } from '../../../src/ngram/arpa-read.ts'
import { arpaChunks } from '../../../src/ngram/arpa-write.ts'
import type { BackoffTable } from '../../../src/ngram/backoff-table.ts'
import { MAGIC } from '../../../src/ngram/binary-layout.ts'
import { packModel } from '../../../src/ngram/binary-write.ts'
import { byteStream, gunzipIfNeeded, lineBatches, textChunks } from '../../../src/ngram/byte-streams.ts'
import { NgramModel } from '../../../src/ngram/model.ts'
import { UsageError } from '../usage-error.ts'

/** A longer line is hardly a sentence. */
const MAXIMUM_LINE_LENGTH = 1 << 24

/** The text of a file, plain or in gzip; `-` is standard input. */
export async function* readText(path: string): AsyncGenerator<string> {
  yield* textChunks(await gunzipIfNeeded(bytesOf(path)))
}

/** Its lines. */
export async function* readLines(path: string): AsyncGenerator<string> {
  for await (const lines of lineBatches(readText(path), MAXIMUM_LINE_LENGTH)) yield* lines
}

/** A model to ask: a binary as it is, an ARPA file packed. */
export async function readModel(path: string): Promise<NgramModel> {
  return (await isBinary(path))
    ? NgramModel.open(await readFile(path))
    : NgramModel.fromTable(await readTable(path))
}

/** A model to work on. @throws UsageError for a binary, whose n-grams can't be listed */
export async function readTable(path: string): Promise<BackoffTable> {
  if (await isBinary(path)) {
    throw new UsageError(
      `${path} is a binary, which keeps hashes in place of words: this needs the ARPA file`,
    )
  }
  return await readArpa(bytesOf(path))
}

/** Writes an ARPA file (.arpa), one in gzip (.gz), or else a binary. Returns the n-grams by length and the bytes. */
export async function writeModel(path: string, table: BackoffTable): Promise<string> {
  if (/\.(arpa|gz)$/.test(path)) {
    const file = Writable.toWeb(createWriteStream(path)) as WritableStream<Uint8Array>
    await byteStream(arpaChunks(table), path.endsWith('.gz')).pipeTo(file)
    return `${path}: ${table.levels.map(level => level.size).join(' + ')} n-grams`
  }
  const packed = packModel(table)
  await writeFile(path, new Uint8Array(packed))
  const ngrams = table.levels.reduce((sum, level) => sum + level.size, 0)
  return `${path}: ${table.levels.map(level => level.size).join(' + ')} n-grams, ${(packed.byteLength / ngrams).toFixed(2)} bytes each`
}

async function isBinary(path: string): Promise<boolean> {
  if (path === '-') return false
  const file = await open(path)
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(MAGIC.length), 0, MAGIC.length, 0)
    return buffer.toString('latin1', 0, bytesRead) === MAGIC
  } finally {
    await file.close()
  }
}

function bytesOf(path: string): ReadableStream<Uint8Array<ArrayBuffer>> {
  const stream = path === '-' ? process.stdin : createReadStream(path)
  return Readable.toWeb(stream) as unknown as ReadableStream<Uint8Array<ArrayBuffer>>
}
