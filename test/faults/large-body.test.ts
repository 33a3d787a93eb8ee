/** Bodies that are streamed through the edge, when a worker is gone or breaks off. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { readConfiguration } from '../../workers/local/configuration.ts'
import { type LocalServer, startLocal } from '../../workers/local/start-local.ts'
import { unheldOrigins } from '../support/conforming-fetch.ts'
import { type FakeWorker, startFakeWorker } from '../support/fake-worker.ts'

let workers: [FakeWorker, FakeWorker]
let edge: LocalServer

beforeAll(async () => {
  workers = [await startFakeWorker(), await startFakeWorker()]
  for (const { url } of workers) unheldOrigins.add(url)
  const urls = workers.map(({ url }) => url).join(',')
  edge = await startLocal(
    readConfiguration({ PORT: '0', AURICLE_WORKERS: urls, AURICLE_LOG_LEVEL: 'silent' }),
    {},
  )
  await edge.ready()
})
afterAll(async () => {
  await edge?.stop()
  await Promise.all(workers.map(worker => worker.stop()))
})

/** @param letter what the recording consists of: another letter is another recording */
function ask(letter: string, text: string) {
  const audio = { type: 'input_audio', input_audio: { data: letter.repeat(4_000_000) } }
  const messages = [
    { role: 'user', content: [audio] },
    { role: 'user', content: text },
  ]
  return fetch(`${edge.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ model: 'pocket', messages }),
  })
}
const requests = () => workers.map(({ seen }) => seen.requests)

test('the same recording goes to the same worker, whatever is asked about it', async () => {
  const before = requests()
  for (const question of ['What?', 'Who?', 'Where?', 'When?']) {
    expect((await ask('A', question)).status).toBe(200)
  }
  const after = requests()
  expect(after.map((count, index) => count - before[index]!).sort()).toEqual([0, 4])
})

test('where the worker is gone the other is asked, and gets the body whole', async () => {
  await workers[0].stop()
  for (const letter of 'ABCDEF') expect((await ask(letter, 'What?')).status).toBe(200)
  workers[0] = await startFakeWorker({ port: workers[0].port })
  await expect
    .poll(async () => (await (await fetch(`${edge.url}/readyz`)).json()).workers)
    .toEqual({ ready: 2, total: 2 })
})

test('a worker that has taken the body and breaks off is not made up for by another', async () => {
  const sum = () => requests().reduce((total, count) => total + count, 0)
  const before = sum()
  const body = await (await ask('A', 'status 500')).json()
  expect([body.error.code, sum() - before]).toEqual(['internal_error', 1])
})
