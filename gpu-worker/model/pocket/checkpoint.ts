import type { AdapterWeights } from '../../engine/types.ts'
import type { OrtRuntime, OrtSession } from '../../runtime/runtime.ts'
import { tensor } from '../../runtime/tensor.ts'
import { adapterOf } from '../adapter.ts'
import type { PocketManifest } from '../manifest.ts'
import type { Pack } from '../pack.ts'
import { type NamedTensor, readSafetensors } from '../safetensors.ts'

/** Tensors of `adapter.safetensors` that are embeddings of markers; all others are inputs of the decoder. */
const MARKERS = { audio_start: 'audio_bos', audio_speech: 'audio_speech', audio_end: 'audio_eos' } as const

/** What was trained: an adapter of the language model, the acoustic projector, three marker embeddings. */
export interface Checkpoint {
  readonly name: string
  readonly adapter: AdapterWeights
  /** Embedding [hidden] of each virtual marker id. */
  readonly markers: ReadonlyMap<number, Float32Array>
  /** Acoustic tokens of encoder features [1, positions, 384]: [tokens, hidden] f32. */
  projectAcoustic(
    features: { data: Float32Array; dims: readonly number[] },
    signal: AbortSignal,
  ): Promise<Float32Array>
  close(): Promise<void>
}

/** Loads one of the pack's checkpoints. Throws if a tensor that it must hold is missing. */
export async function loadCheckpoint(
  pack: Pack<PocketManifest>,
  name: string,
  runtime: OrtRuntime,
): Promise<Checkpoint> {
  const entry = pack.manifest.checkpoints.find(checkpoint => checkpoint.name === name)
  if (!entry) throw new RangeError(`pack '${pack.manifest.name}' has no checkpoint '${name}'`)
  const [tensors, session] = await Promise.all([
    readSafetensors(pack.path(entry.adapter)),
    runtime.loadSession(pack.path(entry.acoustic_graph), { threads: 1 }),
  ])
  return {
    name,
    adapter: adapterOf(tensors, new Set(Object.values(MARKERS))),
    markers: markerEmbeddings(tensors, pack.manifest),
    projectAcoustic: (features, signal) => projectAcoustic(session, features, signal),
    close: () => session.release(),
  }
}

function markerEmbeddings(
  tensors: ReadonlyMap<string, NamedTensor>,
  manifest: PocketManifest,
): Map<number, Float32Array> {
  const markers = new Map<number, Float32Array>()
  for (const [token, tensorName] of Object.entries(MARKERS)) {
    const embedding = tensors.get(tensorName)?.data
    if (embedding?.length !== manifest.language_model.hidden) {
      throw new RangeError(
        `the checkpoint lacks a '${tensorName}' of ${manifest.language_model.hidden} values`,
      )
    }
    markers.set(manifest.tokens[token as keyof typeof MARKERS], embedding)
  }
  return markers
}

async function projectAcoustic(
  session: OrtSession,
  features: { data: Float32Array; dims: readonly number[] },
  signal: AbortSignal,
): Promise<Float32Array> {
  const feeds = { audio_features: tensor('float32', features.data, features.dims) }
  const outputs = await session.run(feeds, ['acoustic_embeddings'], { signal })
  return outputs['acoustic_embeddings']!.data as Float32Array
}
