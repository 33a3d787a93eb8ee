import { startFakeWorker } from '../support/fake-worker.ts'
import { describeFaults, type FaultyTarget } from './openai-client-faults.ts'
import { describeFiles } from './openai-client-files.ts'
import { describeOpenAiClient } from './openai-client-suite.ts'
import { startWorkerdEdge } from './workerd-edge.ts'

async function startTarget(): Promise<FaultyTarget> {
  const worker = await startFakeWorker()
  const edge = await startWorkerdEdge(worker.url)
  return {
    url: edge.url,
    model: 'pocket',
    worker,
    async stop() {
      await edge.stop()
      await worker.stop()
    },
  }
}

describeOpenAiClient('the edge on workerd', startTarget)
describeFiles('the edge on workerd with R2', startTarget)
describeFaults('the edge on workerd', startTarget)
