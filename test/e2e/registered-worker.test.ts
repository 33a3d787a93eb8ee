/** Workers that register, on workerd with its Durable Object: the worker's own beats, the edge's own answers. */
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { Beats } from '../../gpu-worker/beats.ts'
import { type FakeWorker, startFakeWorker } from '../support/fake-worker.ts'
import { startWorkerdEdge, type WorkerdEdge } from './workerd-edge.ts'

const secret = 'a-secret-for-this-test'
let edge: WorkerdEdge
let worker: FakeWorker

beforeAll(async () => {
  worker = await startFakeWorker()
  edge = await startWorkerdEdge('', { AURICLE_FLEET_SECRET: secret })
})
afterAll(async () => {
  await edge.stop()
  await worker.stop()
})

const statusOf = async () => {
  const response = await fetch(new URL('/v1/chat/completions', edge.url), {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] }),
  })
  await response.text()
  return response.status
}

function beatsWith(known: string, log: (message: string) => void = () => {}): Beats {
  return new Beats({
    edges: [edge.url],
    secret: known,
    worker: { id: 'gpu-1', url: worker.url },
    readiness: () => worker.readiness,
    log,
  })
}

describe('the edge on workerd', () => {
  test('refuses a worker that does not know the secret', async () => {
    const log = vi.fn()
    await beatsWith('another-secret-altogether', log).beatNow()
    expect(log.mock.calls[0]![0]).toContain('invalid_signature')
    expect(await statusOf()).toBe(503)
  })

  test('uses a worker as long as it says that it is ready', async () => {
    const beats = beatsWith(secret)
    await beats.beatNow()
    await vi.waitFor(async () => expect(await statusOf()).toBe(200), { timeout: 30_000, interval: 250 })
    worker.readiness.status = 'draining'
    await beats.beatNow()
    await vi.waitFor(async () => expect(await statusOf()).toBe(503), { timeout: 30_000, interval: 250 })
  })
})
