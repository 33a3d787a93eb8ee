/** Classifications through both edges, with the real worker and its pack. */
import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { startWorker } from '../support/start-process.ts'
import { describeClassifications } from './classification-suite.ts'
import { startWorkerdEdge } from './workerd-edge.ts'

describeClassifications('the edge on Node', async () => {
  const worker = await startWorker()
  const configuration = { PORT: '0', AURICLE_WORKERS: worker.baseUrl, AURICLE_LOG_LEVEL: 'silent' }
  const server = await startLocal(readConfiguration(configuration), {})
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

describeClassifications('the edge on workerd', async () => {
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
