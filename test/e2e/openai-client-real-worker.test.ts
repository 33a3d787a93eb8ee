/** The same suite with the real worker and its packs behind both edges. */
import { startWorker } from '../support/start-process.ts'
import { edgeOnNode, edgeOnWorkerd } from './edges.ts'
import { describeOpenAiClient } from './openai-client-suite.ts'

describeOpenAiClient('the edge on Node with the real worker', async () => {
  const worker = await startWorker()
  return edgeOnNode(worker.baseUrl, [worker])
})

describeOpenAiClient('the edge on workerd with the real worker', async () => {
  const worker = await startWorker()
  return edgeOnWorkerd(worker.baseUrl, [worker])
})
