/** Workers that are told to end while they answer, a hundred times: nothing that they have begun is lost, nothing is refused. */
import type { IncomingMessage, Server } from 'node:http'
import { expect, test } from 'vitest'
import { drainable } from '../../gpu-worker/drain.ts'
import { fakeChatModel } from '../../gpu-worker/fake-chat-model.ts'
import { createWorkerApp, type WorkerState } from '../../gpu-worker/server.ts'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/fleet/clock.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { defaultLimits } from '../../src/protocol/limits.ts'
import { createWorkerFetch } from '../../workers/local/worker-fetch.ts'
import { closeServer, type ListeningServer, listen } from '../support/listen.ts'

const rounds = 100
const answer = 'All that was begun is said to its end.'

async function startWorker() {
  const state: WorkerState = {
    status: 'ready',
    models: new Map([['fake', fakeChatModel(answer)]]),
    speechModels: new Map(),
  }
  const listening = await listen(createWorkerApp(state, defaultLimits))
  const drain = drainable(listening.server as Server)
  return {
    url: listening.url,
    hold: () => hold(listening),
    /** What SIGTERM does. */
    end: () => {
      state.status = 'draining'
      return drain()
    },
  }
}

/** A request that has come, and whose body has not: until it does, something is under way. */
async function hold({ url, server }: ListeningServer): Promise<() => Promise<Response>> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
  const writer = writable.getWriter()
  const arrived = new Promise<void>(resolve => {
    server.on('request', ({ headers }: IncomingMessage) => headers['x-held'] && resolve())
  })
  const init = { method: 'POST', body: readable, duplex: 'half' }
  const headers = { 'content-type': 'application/json', 'x-held': 'yes' }
  const response = fetch(`${url}/v1/chat/completions`, { ...init, headers } as RequestInit)
  void writer.write(new TextEncoder().encode('{"model":"fake"'))
  await arrived
  return async () => {
    void writer.write(new TextEncoder().encode(',"messages":[{"role":"user","content":"Hello."}]}'))
    void writer.close()
    return response
  }
}

function ask(url: string, stream: boolean) {
  return fetch(`${url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'fake', stream, messages: [{ role: 'user', content: 'Hello.' }] }),
  })
}

/** Everything that is said, and how it ends. */
function said(body: string): string {
  const words = [...body.matchAll(/"content":"([^"]*)"/g)].map(([, text]) => text)
  return words.join('') + (body.startsWith('{') || body.endsWith('data: [DONE]\n\n') ? '' : ` (${body})`)
}

test('a worker that drains loses nothing, says that it goes, and is alive until it has ended', async () => {
  const workers = [await startWorker(), await startWorker()]
  const fleet = new Fleet({
    addresses: () => workers.map(({ url }) => ({ id: url, url })),
    clock: systemClock,
    fetch: createWorkerFetch(),
    // How much may be retried is another matter.
    retryBudget: { perRequest: 1, perSecond: 100, most: 100 },
  })
  const edge = await listen(createApp({ fleet }))
  let isOver = false
  let answered = 0
  const clients = Array.from({ length: 4 }, async (_, client) => {
    while (!isOver) {
      const response = await ask(edge.url, client % 2 === 0)
      expect(said(await response.text())).toBe(answer)
      answered++
    }
  })
  const all = Promise.all(clients)
  all.catch(() => {})
  for (let round = 0; round < rounds; round++) {
    workers.push(await startWorker())
    const old = workers.shift()!
    const release = await old.hold()
    const stream = await ask(old.url, true)
    const ended = old.end()
    const [live, ready] = await Promise.all([fetch(`${old.url}/healthz`), fetch(`${old.url}/readyz`)])
    expect([live.status, ready.status]).toEqual([200, 503])
    expect(said(await stream.text())).toBe(answer)
    await (await release()).text()
    await ended
    await expect(fetch(`${old.url}/healthz`)).rejects.toThrow()
  }
  isOver = true
  await all
  expect(answered).toBeGreaterThan(rounds)
  await closeServer(edge)
  for (const worker of workers) await worker.end()
})
