/** The language model of a pocket pack: its decoder and its embeddings. */
import { readFile } from 'node:fs/promises'
import { releasePages } from '../../runtime/memory-pages.ts'
import type { OrtRuntime, OrtSession } from '../../runtime/runtime.ts'
import { EmbeddingTable } from '../embedding-table.ts'
import type { PocketManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { roundedWeights } from './rounded-weights.ts'

/** The caller releases `decoder`. */
export async function loadLanguageModel(
  pack: Pack<PocketManifest>,
  runtime: OrtRuntime,
  threads: number,
): Promise<{ decoder: OrtSession; table: EmbeddingTable }> {
  const { language_model: languageModel } = pack.manifest
  const { graph, embedding, rounded } = languageModel
  const rows = await readFile(pack.path(embedding.file))
  const externalFiles = new Map<string, Uint8Array>()
  if (rounded) {
    for (const [file, data] of await roundedWeights(rounded, pack.path)) externalFiles.set(file, data)
    externalFiles.set(embedding.file, rows)
  }
  const decoder = await runtime.loadSession(pack.path(graph), { threads, externalFiles })
  // Given back now: the collector doesn't hurry for what lies outside its heap.
  for (const data of externalFiles.values()) if (data !== rows) releasePages(data)
  return { decoder, table: new EmbeddingTable(rows, languageModel) }
}
