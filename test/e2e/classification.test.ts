/** Classifications through both edges, with the real worker and its pack. */
import { startWorker } from '../support/start-process.ts'
import { describeClassifications } from './classification-suite.ts'
import { edgeOnNode, edgeOnWorkerd } from './edges.ts'

describeClassifications('the edge on Node', async () => {
  const worker = await startWorker()
  return edgeOnNode(worker.baseUrl, [worker])
})

describeClassifications('the edge on workerd', async () => {
  const worker = await startWorker()
  return edgeOnWorkerd(worker.baseUrl, [worker])
})
