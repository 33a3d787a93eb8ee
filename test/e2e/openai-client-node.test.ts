import { expect, test } from 'vitest'
import { unheldOrigins } from '../support/conforming-fetch.ts'
import { startFakeWorker } from '../support/fake-worker.ts'
import { edgeOnNode } from './edges.ts'
import { describeFaults, type FaultyTarget } from './openai-client-faults.ts'
import { describeFiles } from './openai-client-files.ts'
import { countingClient, describeOpenAiClient } from './openai-client-suite.ts'

async function startNodeEdge(): Promise<FaultyTarget> {
  const worker = await startFakeWorker()
  unheldOrigins.add(worker.url)
  return { ...(await edgeOnNode(worker.url, [worker])), worker }
}

describeOpenAiClient('the edge on Node', startNodeEdge)
describeFiles('the edge on Node', startNodeEdge)
describeFaults('the edge on Node', startNodeEdge)

// Not on workerd: it sees a client that leaves before the answer begins only by a reset connection, which
// Cloudflare's front sends and a local client doesn't.
test('a client that leaves before the answer begins stops the worker', async () => {
  const target = await startNodeEdge()
  const { client } = countingClient(target.url)
  const controller = new AbortController()
  const answer = client.chat.completions.create(
    { model: 'pocket', messages: [{ role: 'user', content: 'endless' }] },
    { signal: controller.signal },
  )
  await expect.poll(() => target.worker.seen.requests).toBe(1)
  controller.abort()
  await expect(answer).rejects.toMatchObject({ message: 'Request was aborted.' })
  await expect.poll(() => target.worker.seen.aborts).toBe(1)
  await target.stop()
})
