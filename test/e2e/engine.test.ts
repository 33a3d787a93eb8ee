// The engine with the real weights: company, chunks, reuse and adapters beside it never change an answer.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEngine } from '../../gpu-worker/engine/create-engine.ts'
import type { Engine, EngineModel, EngineOptions } from '../../gpu-worker/engine/engine.ts'
import { GREEDY, type SamplingOptions } from '../../gpu-worker/sampling/options.ts'
import { seededRandom } from '../../gpu-worker/sampling/random.ts'
import { loadPocketDecoder, textPrompt } from '../support/pocket-decoder.ts'

const ANSWER_TOKENS = 8
const COMPANY = 6

interface Asked {
  readonly ids: Int32Array
  readonly checkpoint: string | null
  readonly sampling: Partial<SamplingOptions>
}

let model: EngineModel

beforeAll(async () => {
  model = await loadPocketDecoder()
})
afterAll(() => model?.decoder.release())

async function ask(engine: Engine, { ids, checkpoint, sampling }: Asked) {
  const events = engine.generate({
    id: 'test',
    prompt: textPrompt(model, ids),
    checkpoint,
    maxTokens: ANSWER_TOKENS,
    stopIds: new Set(),
    sampling: { ...GREEDY, topLogprobs: 0, ...sampling },
    signal: new AbortController().signal,
  })
  const tokens: [id: number, logprob: number | null][] = []
  for await (const event of events) if (event.type === 'token') tokens.push([event.id, event.logprob])
  return tokens
}

/** Each engine's answers to all that is asked: one after the other, or all at once. */
async function answers(options: EngineOptions, asked: readonly Asked[], atOnce: boolean) {
  const engine = createEngine(model, { slotCapacity: 256, ...options })
  try {
    if (atOnce) return await Promise.all(asked.map(one => ask(engine, one)))
    const results = []
    for (const one of asked) results.push(await ask(engine, one))
    return results
  } finally {
    await engine.close()
  }
}

test('a request gets the same tokens, and the same log-probabilities to the last bit, alone and in company', async () => {
  const random = seededRandom(20)
  const below = (limit: number) => Math.floor(random() * limit)
  const names = [null, ...model.checkpoints.keys()]
  const asked = Array.from({ length: COMPANY }, (_, index): Asked => {
    const ids = Int32Array.from({ length: 5 + below(60) }, () => 1000 + below(40_000))
    const sampling = index % 2 === 0 ? {} : { temperature: 0.8, topP: 0.9, seed: index }
    return { ids, checkpoint: names[index % names.length]!, sampling }
  })
  const alone = await answers({ slots: 1, minimumReuse: 1000 }, asked, false)
  expect(await answers({ slots: COMPANY }, asked, true)).toEqual(alone)
  const inChunks = { slots: 3, prefillBudget: 7, prefillBudgetIdle: 19 }
  expect(await answers(inChunks, asked, true)).toEqual(alone)
})

test('a prefix that is taken over gives the same as one that is computed', async () => {
  const ids = Int32Array.from({ length: 60 }, (_, index) => 2000 + 37 * index)
  const longer = Int32Array.from([...ids, 5000, 6000, 7000])
  const asked = [ids, longer, longer, ids].map(prompt => ({ ids: prompt, checkpoint: null, sampling: {} }))
  const fresh = await answers({ slots: 1, minimumReuse: 1000 }, [asked[0]!], false)
  const freshLonger = await answers({ slots: 1, minimumReuse: 1000 }, [asked[1]!], false)
  const reused = await answers({ slots: 3 }, asked, false)
  expect(reused).toEqual([fresh[0], freshLonger[0], freshLonger[0], fresh[0]])
  expect(await answers({ slots: 3 }, asked, true)).toEqual(reused)
})

test('continuations are as likely as when they are generated, to the last bit, alone and in company', async () => {
  const ids = Int32Array.from({ length: 40 }, (_, index) => 3000 + 41 * index)
  const company = Int32Array.from({ length: 30 }, (_, index) => 4000 + 43 * index)
  const checkpoint = [...model.checkpoints.keys()][0]!
  const asked = { ids, checkpoint, sampling: { topLogprobs: 3 } }
  const engine = createEngine(model, { slots: 4, slotCapacity: 256 })
  try {
    const generated = await ask(engine, asked)
    const tokens = generated.map(([id]) => id)
    // The answer itself, and ten that part from it.
    const continuations = [
      tokens,
      ...Array.from({ length: 10 }, (_, at) => [...tokens.slice(0, at % 5), at, 7, 8]),
    ]
    const request = { id: 'test', checkpoint, continuations, signal: new AbortController().signal }
    const score = () => engine.score({ ...request, prompt: textPrompt(model, ids) })
    const { logprobs } = await score()
    expect(logprobs[0]).toEqual(generated.map(([, logprob]) => logprob))
    const [again] = await Promise.all([score(), ask(engine, { ...asked, ids: company }), score()])
    expect(again.logprobs).toEqual(logprobs)
  } finally {
    await engine.close()
  }
})
