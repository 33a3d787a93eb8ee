import { expect, test, vi } from 'vitest'
import { createApp } from '../src/app.ts'
import { systemClock } from '../src/fleet/clock.ts'
import { MemoryDirectory } from '../src/fleet/directory.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import { protocolVersion, type WorkerReadiness } from '../src/protocol/health.ts'
import { Beats } from './beats.ts'

function edge() {
  const directory = new MemoryDirectory({ secrets: ['shared'], clock: systemClock, beatEveryMs: 100 })
  const asked: string[] = []
  const fleet = new Fleet({
    addresses: () => [],
    directory,
    fetch: async input => {
      asked.push(String(input))
      return Response.json({ answered: true })
    },
    clock: systemClock,
  })
  return { app: createApp({ fleet, directory }), asked }
}

function worker(secret: string, app: { fetch: (request: Request) => Response | Promise<Response> }) {
  const readiness: WorkerReadiness = {
    status: 'ready',
    protocol_version: protocolVersion,
    models: ['pocket'],
    load: { running: 0, waiting: 0, slots: 4 },
  }
  const log = vi.fn()
  const beats = new Beats({
    edges: ['http://edge'],
    secret,
    worker: { id: 'gpu-1', url: 'http://gpu-1:8081' },
    readiness: () => readiness,
    fetch: async (input, init) => app.fetch(new Request(input, init)),
    log,
  })
  return { beats, readiness, log }
}

const chat = (app: ReturnType<typeof edge>['app']) =>
  app.request('/v1/chat/completions', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] }),
  })

test('a worker that knows the secret is used once it has beaten, and not when it drains', async () => {
  const { app, asked } = edge()
  const { beats, readiness, log } = worker('shared', app)
  expect((await chat(app)).status).toBe(503)
  await beats.beatNow()
  expect(await (await app.request('/readyz')).json()).toMatchObject({ workers: { ready: 0, total: 0 } })
  await vi.waitFor(async () => expect((await chat(app)).status).toBe(200), { timeout: 5_000 })
  expect(asked).toEqual(['http://gpu-1:8081/v1/chat/completions'])
  expect(log).toHaveBeenCalledOnce()
  readiness.status = 'draining'
  await beats.beatNow()
  await vi.waitFor(async () => expect((await chat(app)).status).toBe(503), { timeout: 5_000 })
})

test('one that does not know it is refused, and says so once', async () => {
  const { app } = edge()
  const { beats, log } = worker('guessed', app)
  await beats.beatNow()
  await beats.beatNow()
  expect(log).toHaveBeenCalledOnce()
  expect(log.mock.calls[0]![0]).toContain('invalid_signature')
  expect(log.mock.calls[0]![0]).not.toContain('guessed')
})

test('it beats again when the edge wants it to, until it is stopped', async () => {
  const { app } = edge()
  const { beats } = worker('shared', app)
  const heard = vi.spyOn(app, 'fetch')
  beats.start()
  await vi.waitFor(() => expect(heard.mock.calls.length).toBeGreaterThan(2), { timeout: 5_000 })
  beats.stop()
})
