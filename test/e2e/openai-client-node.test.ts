import { startLocal } from '../../workers/local/start-local.ts'
import { startFakeWorker } from '../fake-worker.ts'
import { describeFaults, type FaultyTarget } from './openai-client-faults.ts'
import { describeOpenAiClient } from './openai-client-suite.ts'

async function startNodeEdge(): Promise<FaultyTarget> {
  const worker = await startFakeWorker()
  const server = await startLocal(
    { port: 0, host: '127.0.0.1', workers: [{ id: 'fake', url: worker.url }], corsOrigins: [] },
    {},
  )
  await server.ready()
  return {
    url: server.url,
    model: 'pocket',
    worker,
    async stop() {
      await server.stop()
      await worker.stop()
    },
  }
}

describeOpenAiClient('the edge on Node', startNodeEdge)
describeFaults('the edge on Node', startNodeEdge)
