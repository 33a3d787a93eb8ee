import { edgeOnNode } from '../e2e/edges.ts'
import { describeFiles } from '../e2e/openai-client-files.ts'
import { describeOpenAiClient, type Target } from '../e2e/openai-client-suite.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import { startS3Server } from '../support/s3-server.ts'

async function startTarget(): Promise<Target> {
  const [worker, s3] = await Promise.all([startFakeWorker(), startS3Server()])
  // The SDK reads the process's variables, as in production.
  Object.assign(process.env, s3.environment)
  return edgeOnNode(worker.url, [worker, s3], s3.environment)
}

describeOpenAiClient('the edge on Node with S3', startTarget)
describeFiles('the edge on Node with S3', startTarget)
