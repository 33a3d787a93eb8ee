import { startFakeWorker } from '../support/fake-worker.ts'
import { edgeOnWorkerd } from './edges.ts'
import { describeFaults, type FaultyTarget } from './openai-client-faults.ts'
import { describeFiles } from './openai-client-files.ts'
import { describeOpenAiClient } from './openai-client-suite.ts'

async function startTarget(): Promise<FaultyTarget> {
  const worker = await startFakeWorker()
  return { ...(await edgeOnWorkerd(worker.url, [worker])), worker }
}

describeOpenAiClient('the edge on workerd', startTarget)
describeFiles('the edge on workerd with R2', startTarget)
describeFaults('the edge on workerd', startTarget)
