/** The language model of the pocket pack, as the engine takes it: for tests that need it without the audio. */
import type { EngineModel } from '../../gpu-worker/engine/engine.ts'
import type { Prompt } from '../../gpu-worker/engine/types.ts'
import { EmbeddingTable } from '../../gpu-worker/model/embedding-table.ts'
import type { PocketManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { loadCheckpoint } from '../../gpu-worker/model/pocket/checkpoint.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'

/** The caller releases `decoder`. */
export async function loadPocketDecoder(): Promise<EngineModel> {
  const runtime = await loadRuntime()
  const pack = (await loadPacks('models')).get('pocket') as Pack<PocketManifest>
  const { language_model: languageModel, checkpoints } = pack.manifest
  const embeddings = await EmbeddingTable.load(pack.path(languageModel.embedding.file), languageModel)
  const loaded = await Promise.all(checkpoints.map(({ name }) => loadCheckpoint(pack, name, runtime)))
  return {
    decoder: await runtime.loadSession(pack.path(languageModel.graph), { threads: 2 }),
    embeddings,
    checkpoints: new Map(loaded.map(({ name, adapter }) => [name, adapter])),
  }
}

/** A prompt of text alone. */
export function textPrompt({ embeddings }: EngineModel, ids: Int32Array): Prompt {
  const rows = new Float32Array(ids.length * embeddings.hiddenSize)
  for (const [position, id] of ids.entries()) embeddings.lookup(id, rows, position * embeddings.hiddenSize)
  return { ids, embeddings: rows }
}
