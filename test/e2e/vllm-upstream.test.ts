/** A worker of ours and vLLM, as it was recorded, behind both edges. */

import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { unheldOrigins } from '../support/conforming-fetch.ts'
import { closeServer, listen } from '../support/listen.ts'
import { RecordedVllm, vllmKey, vllmModel } from '../support/recorded-vllm.ts'
import { startWorker } from '../support/start-process.ts'
import { describeSideBySide, type SideBySide } from './side-by-side.ts'
import { startWorkerdEdge } from './workerd-edge.ts'

const models = [
  { id: 'pocket', owner: 'auricle' },
  { id: 'qwen2-audio', owner: 'vllm' },
]

/** @param start the edge, given AURICLE_WORKERS and AURICLE_UPSTREAMS */
async function behind(
  start: (workers: string, upstreams: string) => Promise<{ url: string; stop(): Promise<void> }>,
): Promise<SideBySide> {
  const vllm = await listen(new RecordedVllm())
  unheldOrigins.add(vllm.url)
  const worker = await startWorker()
  const upstreams = [{ url: vllm.url, models: { 'qwen2-audio': vllmModel }, api_key: vllmKey }]
  const edge = await start(worker.baseUrl, JSON.stringify(upstreams))
  return {
    url: edge.url,
    models,
    async stop() {
      await edge.stop()
      await worker.stop()
      await closeServer(vllm)
    },
  }
}

describeSideBySide('the edge on Node with a worker and vLLM', () =>
  behind(async (workers, upstreams) => {
    const server = await startLocal(
      readConfiguration({
        PORT: '0',
        AURICLE_WORKERS: workers,
        AURICLE_UPSTREAMS: upstreams,
        AURICLE_LOG_LEVEL: 'silent',
      }),
      {},
    )
    await server.ready()
    return server
  }),
)

describeSideBySide('the edge on workerd with a worker and vLLM', () =>
  behind((workers, upstreams) => startWorkerdEdge(workers, { AURICLE_UPSTREAMS: upstreams })),
)
