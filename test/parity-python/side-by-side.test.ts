/** Pocket, a pack of Qwen2-Audio's architecture, and vLLM as it was recorded: one edge, and only `model` differs. */
import { mkdtemp, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { describeSideBySide } from '../e2e/side-by-side.ts'
import { closeServer, listen } from '../support/listen.ts'
import { RecordedVllm, vllmKey, vllmModel } from '../support/recorded-vllm.ts'
import { startWorker } from '../support/start-process.ts'
import { MODEL, MODELS_FOLDER } from './references.ts'

describeSideBySide('pocket, Qwen2-Audio and vLLM behind one edge', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'auricle-models-'))
  await symlink(join(MODELS_FOLDER, MODEL), join(folder, MODEL))
  for (const name of ['pocket', 'whisper-tiny.en']) await symlink(resolve('models', name), join(folder, name))
  const vllm = await listen(new RecordedVllm())
  const worker = await startWorker({ AURICLE_MODELS: folder })
  const edge = await startLocal(
    readConfiguration({
      PORT: '0',
      AURICLE_WORKERS: worker.baseUrl,
      AURICLE_UPSTREAMS: JSON.stringify([
        { url: vllm.url, models: { 'qwen2-audio': vllmModel }, api_key: vllmKey },
      ]),
      AURICLE_LOG_LEVEL: 'silent',
    }),
    {},
  )
  await edge.ready()
  return {
    url: edge.url,
    models: [
      { id: 'pocket', owner: 'auricle' },
      { id: MODEL, owner: 'auricle' },
      { id: 'qwen2-audio', owner: 'vllm' },
    ],
    async stop() {
      await edge.stop()
      await worker.stop()
      await closeServer(vllm)
      await rm(folder, { recursive: true })
    },
  }
})
