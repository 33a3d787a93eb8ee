/** Transcriptions through both edges, with the real worker and its packs; n-gram models through the shared store. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { startWorker } from '../support/start-process.ts'
import { edgeOnNode, edgeOnWorkerd } from './edges.ts'
import { countingClient, type Target } from './openai-client-suite.ts'
import { describeTranscriptions, post } from './transcription-suite.ts'

/** Edge and worker share a folder, as `npm start` has it. */
async function startNodeEdge(): Promise<Target> {
  const store = await mkdtemp(join(tmpdir(), 'auricle-store-'))
  const worker = await startWorker({ AURICLE_STORE: store })
  const folder = { stop: () => rm(store, { recursive: true, force: true }) }
  return edgeOnNode(worker.baseUrl, [worker, folder], { AURICLE_STORE: store })
}

describeTranscriptions('the edge on Node', startNodeEdge)

describeTranscriptions('the edge on workerd', async () => {
  const worker = await startWorker()
  return edgeOnWorkerd(worker.baseUrl, [worker])
})

describe('the store that edge and worker share', () => {
  let target: Target
  let client: OpenAI
  const recording = new URL('../fixtures/telephone-prompts/conf-onlyone.opus', import.meta.url)
  const file = async () => new File([await readFile(recording)], 'a.opus')
  beforeAll(async () => {
    target = await startNodeEdge()
    client = countingClient(target.url).client
  })
  afterAll(() => target?.stop())

  test('a model made at the edge is searched with at the worker', async () => {
    // A model that has only ever read of conferees, at a weight that drowns what was heard.
    const text = 'there is currently one other conferee in the conference\n'.repeat(3)
    const { id } = await post(target.url, 'ngram-models', { text })
    const ask = async (fields: object) =>
      client.audio.transcriptions.create({
        file: await file(),
        model: 'whisper-tiny.en',
        response_format: 'verbose_json',
        n_best: 4,
        ...fields,
      } as never) as unknown as {
        segments: { hypotheses: { text: string; score: number; parts: Record<string, number> }[] }[]
      }
    const { segments } = await ask({ ngram_model: id, ngram_weight: 1 })
    for (const { score, parts } of segments[0]!.hypotheses) {
      expect(parts['ngram']).toBeLessThan(0)
      expect(parts['acoustic']! + parts['ngram']! + parts['length']!).toBeCloseTo(score, 3)
    }
    const texts = segments[0]!.hypotheses.map(hypothesis => hypothesis.text)
    expect(new Set(texts).size).toBe(texts.length)
    const plain = await ask({})
    expect(plain.segments[0]!.hypotheses[0]!.parts['ngram']).toBe(0)
    await expect(ask({ ngram_model: 'ngm_00000000' })).rejects.toMatchObject({
      status: 404,
      code: 'ngram_model_not_found',
      param: 'ngram_model',
    })
  })

  test('a file uploaded to the edge is transcribed by its id', async () => {
    const { id } = await client.files.create({ file: await file(), purpose: 'user_data' })
    const form = { model: 'whisper-tiny.en', file_id: id } as never
    const named = await client.audio.transcriptions.create(form)
    const sent = await client.audio.transcriptions.create({ model: 'whisper-tiny.en', file: await file() })
    expect(named.text).toBe(sent.text)
    await client.files.delete(id)
    await expect(client.audio.transcriptions.create(form)).rejects.toMatchObject({
      status: 404,
      code: 'file_not_found',
      param: 'file_id',
    })
  })
})
