/** The same suite with the real worker and its packs behind both edges. */

import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { startWorker } from '../support/start-process.ts'
import { describeOpenAiClient } from './openai-client-suite.ts'
import { startWorkerdEdge } from './workerd-edge.ts'

describeOpenAiClient('the edge on Node with the real worker', async () => {
  const worker = await startWorker()
  const server = await startLocal(
    readConfiguration({ PORT: '0', AURICLE_WORKERS: worker.baseUrl, AURICLE_LOG_LEVEL: 'silent' }),
    {},
  )
  await server.ready()
  return {
    url: server.url,
    model: 'pocket',
    async stop() {
      await server.stop()
      await worker.stop()
    },
  }
})

describeOpenAiClient('the edge on workerd with the real worker', async () => {
  const worker = await startWorker()
  const edge = await startWorkerdEdge(worker.baseUrl)
  return {
    url: edge.url,
    model: 'pocket',
    async stop() {
      await edge.stop()
      await worker.stop()
    },
  }
})
