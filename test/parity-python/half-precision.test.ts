/**
 * The pack that a GPU runs, in 16 bits throughout, on the CPU: in JavaScript's memory and in a device's, which is how a
 * GPU's keys, values and adapters are kept.
 */
import { expect, it } from 'vitest'
import { ModelRunner } from '../../gpu-worker/engine/model-runner.ts'
import { loadEmbeddings } from '../../gpu-worker/model/embedding-table.ts'
import type { Qwen2AudioManifest } from '../../gpu-worker/model/manifest.ts'
import { loadPacks, type Pack } from '../../gpu-worker/model/pack.ts'
import { loadRuntime } from '../../gpu-worker/runtime/load-runtime.ts'
import { largestDifference } from '../parity/golden.ts'
import { HALF_FOLDER, readArray, readReferences } from './references.ts'
import { logitsOf } from './runs.ts'

/** Sums of halves: logits are of size 4. */
const TOLERANCE = 0.1

it('16 bits come near transformers’ 32, and are the same in a device’s memory', async () => {
  const pack = (await loadPacks(HALF_FOLDER)).get('half') as Pack<Qwen2AudioManifest>
  const { language_model: languageModel } = pack.manifest
  const [runtime, embeddings] = await Promise.all([loadRuntime(), loadEmbeddings(pack, languageModel)])
  const {
    ids,
    answer,
    embeddings: rows,
    logits,
  } = readReferences().cases.find(({ name }) => name === 'analysis')!
  const [steps, vocabulary] = logits.shape as [number, number]
  const theirs = readArray(logits)
  const prompt = { ids: Int32Array.from(ids), embeddings: readArray(rows) }
  const inHost: Float32Array[] = []
  for (const memory of ['host', 'device'] as const) {
    const decoder = await runtime.loadSession(pack.path(languageModel.graph), { threads: 2, memory })
    expect(decoder.inputs.find(({ name }) => name === 'past_key_0')!.type).toBe('float16')
    const runner = new ModelRunner(
      { decoder, embeddings, checkpoints: new Map() },
      { slots: 1, slotCapacity: 1024, kvBytes: null },
    )
    let step = 0
    for await (const ours of logitsOf(runner, prompt, answer.slice(0, -1))) {
      const expected = theirs.subarray(step * vocabulary, (step + 1) * vocabulary)
      expect(largestDifference(ours, expected), `step ${step}`).toBeLessThan(TOLERANCE)
      if (memory === 'host') inHost.push(ours.slice())
      else expect(largestDifference(ours, inHost[step]!), `step ${step}`).toBe(0)
      step++
    }
    expect(step).toBe(steps)
    runner.release()
    await decoder.release()
  }
  embeddings.close()
})
