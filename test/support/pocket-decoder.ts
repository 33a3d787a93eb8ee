/** The language model of the pocket pack, as the engine takes it: for tests that need it without the audio. */
import type { EngineModel } from '../../gpu-worker/engine/engine.ts'
import type { Prompt } from '../../gpu-worker/engine/types.ts'
import type { PocketManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { loadCheckpoint } from '../../gpu-worker/model/pocket/checkpoint.ts'
import { loadLanguageModel } from '../../gpu-worker/model/pocket/language-model.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'

/** The caller releases `decoder`. */
export async function loadPocketDecoder(): Promise<EngineModel> {
  const runtime = await loadRuntime()
  const pack = (await loadPacks('models')).get('pocket') as Pack<PocketManifest>
  const { checkpoints } = pack.manifest
  const loaded = await Promise.all(checkpoints.map(({ name }) => loadCheckpoint(pack, name, runtime)))
  const { decoder, table } = await loadLanguageModel(pack, runtime, 2)
  return {
    decoder,
    embeddings: table,
    checkpoints: new Map(loaded.map(({ name, adapter }) => [name, adapter])),
  }
}

/** A prompt of text alone. */
export function textPrompt({ embeddings }: EngineModel, ids: Int32Array): Prompt {
  const rows = new Float32Array(ids.length * embeddings.hiddenSize)
  for (const [position, id] of ids.entries()) embeddings.lookup(id, rows, position * embeddings.hiddenSize)
  return { ids, embeddings: rows }
}
