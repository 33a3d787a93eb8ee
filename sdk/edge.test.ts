/** The client before the real edge, in one process: what needs no model. */
import { beforeEach, describe, expect, test } from 'vitest'
import { createApp } from '../src/app.ts'
import { Fleet } from '../src/fleet/fleet.ts'
import { VirtualClock, VirtualFleet, type VirtualWorker } from '../src/fleet/virtual-fleet.ts'
import { Conformance } from '../test/support/conformance.ts'
import { Auricle, InvalidRequestError, NotFoundError } from './src/index.ts'
import { chunk } from './src/scripted-server.ts'

let client: Auricle
let worker: VirtualWorker
const conformance = new Conformance()

beforeEach(() => {
  const workers = new VirtualFleet()
  worker = workers.add('a')
  const fleet = new Fleet({ addresses: workers.addresses, fetch: workers.fetch, clock: new VirtualClock() })
  const app = createApp({ fleet })
  const heldFetch = conformance.wrapFetch(async (input, init) => app.request(new Request(input, init)))
  client = new Auricle({ baseUrl: 'http://server.test', fetch: heldFetch, maxRetries: 0 })
  return () => expect(conformance.takeProblems()).toEqual([])
})

describe('uploads', () => {
  const file = new File([new Uint8Array(100_000).map((_, i) => i)], 'call.wav', { type: 'audio/wav' })

  test('arrive whole, in parts, and are listed, read and deleted', async () => {
    const progress: number[] = []
    const sent = await client.uploads.send(file, {
      partBytes: 30_000,
      onProgress: ({ sentBytes }) => progress.push(sentBytes),
    })
    expect(sent).toMatchObject({ filename: 'call.wav', bytes: 100_000 })
    expect(progress).toEqual([30_000, 60_000, 90_000, 100_000])
    expect((await client.files.list()).data.map(({ id }) => id)).toEqual([sent.id])
    expect(await client.files.retrieve(sent.id)).toEqual(sent)
    const content = await client.files.content(sent.id)
    expect(await content.bytes()).toEqual(await file.bytes())
    expect(await client.files.delete(sent.id)).toMatchObject({ deleted: true })
    await expect(client.files.retrieve(sent.id)).rejects.toBeInstanceOf(NotFoundError)
  })

  test('of nothing are refused', async () => {
    await expect(client.uploads.send(new Blob([]))).rejects.toBeInstanceOf(InvalidRequestError)
  })
})

describe('n-gram models', () => {
  const text = 'play the song\nstop the song\nplay it again\n'.repeat(20)

  test('are made of text or of a file, and put hypotheses in order', async () => {
    const model = await client.ngramModels.create({ text, order: 2, name: 'player' })
    const fromFile = await client.ngramModels.create({
      file: new Blob([text]),
      order: 2,
      smoothing: 'laplace',
    })
    expect(fromFile.ngrams).toEqual(model.ngrams)
    expect((await client.ngramModels.list({ limit: 1 })).has_more).toBe(true)
    expect(await client.ngramModels.retrieve(model.id)).toEqual(model)
    const { hypotheses } = await client.audio.rescore({
      hypotheses: [
        { text: 'pray the song', acoustic_logprob: -1 },
        { text: 'play the song', acoustic_logprob: -1.2 },
      ],
      ngram_model: model.id,
    })
    expect(hypotheses.map(({ index }) => index)).toEqual([1, 0])
    await client.ngramModels.delete(model.id)
    await expect(client.ngramModels.retrieve(model.id)).rejects.toBeInstanceOf(NotFoundError)
  })
})

test('models and errors come as the edge says', async () => {
  expect((await client.models.list()).data.map(({ id }) => id)).toEqual(['pocket'])
  const asking = client.chat.completions.create({ model: 'pocket', messages: [], temperature: 3 })
  await expect(asking).rejects.toMatchObject({
    name: 'InvalidRequestError',
    status: 400,
    code: 'invalid_request',
  })
})

test('a request with an idempotency key is done once', async () => {
  const answer = () => new Response(`data: ${JSON.stringify(chunk('Hi.', 'stop'))}\n\ndata: [DONE]\n\n`)
  worker.chat = () => {
    const response = answer()
    response.headers.set('content-type', 'text/event-stream')
    return response
  }
  const ask = () =>
    client.chat.completions
      .stream(
        { model: 'pocket', messages: [{ role: 'user', content: 'Hello.' }] },
        { idempotencyKey: 'once' },
      )
      .final()
  const [first, second] = [await ask(), await ask()]
  expect(first.choices[0]!.message.content).toBe('Hi.')
  expect(second).toEqual(first)
  expect(worker.requests.filter(path => path === '/v1/chat/completions')).toHaveLength(1)
})
