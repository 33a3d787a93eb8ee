import { readConfiguration } from '../../workers/local/configuration.ts'
import { startLocal } from '../../workers/local/start-local.ts'
import { describeFiles } from '../e2e/openai-client-files.ts'
import { describeOpenAiClient, type Target } from '../e2e/openai-client-suite.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import { startS3Server } from '../support/s3-server.ts'

async function startTarget(): Promise<Target> {
  const [worker, s3] = await Promise.all([startFakeWorker(), startS3Server()])
  // The SDK reads the process's variables, as in production.
  Object.assign(process.env, s3.environment)
  const server = await startLocal(
    readConfiguration({
      PORT: '0',
      AURICLE_WORKERS: worker.url,
      AURICLE_LOG_LEVEL: 'silent',
      ...s3.environment,
    }),
    process.env,
  )
  await server.ready()
  return {
    url: server.url,
    model: 'pocket',
    async stop() {
      await server.stop()
      await worker.stop()
      await s3.stop()
    },
  }
}

describeOpenAiClient('the edge on Node with S3', startTarget)
describeFiles('the edge on Node with S3', startTarget)
