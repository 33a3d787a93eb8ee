// Continuations on the tiny random decoder, held against what is generated: the same tokens one by one.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadRuntime } from '../runtime/load-runtime.ts'
import type { OrtSession } from '../runtime/runtime.ts'
import { GREEDY } from '../sampling/options.ts'
import { createEngine } from './create-engine.ts'
import type { Engine, EngineOptions } from './engine.ts'
import {
  embed,
  GOLDENS,
  TINY_CHECKPOINTS,
  TINY_DECODER_PATH,
  TINY_EMBEDDINGS,
} from './fixtures/tiny-decoder.ts'
import type { EngineRequest, ScoreRequest } from './types.ts'

const STEPS = 6
const ALTERNATIVES = 5
/** Keys and values of 2 layers, 2 heads of 16, in 32 bits. */
const BYTES_PER_POSITION = 2 * 2 * 2 * 16 * 4
const { prompt, checkpoint } = GOLDENS.find(golden => golden.checkpoint !== null && golden.prompt.length > 8)!

const common = {
  id: 'test',
  prompt: { ids: Int32Array.from(prompt), embeddings: embed(prompt) },
  checkpoint,
  signal: new AbortController().signal,
}
const answer: EngineRequest = {
  ...common,
  maxTokens: STEPS,
  stopIds: new Set(),
  sampling: { ...GREEDY, topLogprobs: ALTERNATIVES },
}

/** Rounding of a step of several rows: MatMul in 32 bits adds up otherwise. The real decoder doesn't, see test/e2e. */
const TOLERANCE_DIGITS = 5

/** What the likeliest answer leaves at each step: continuations that part from it, and how likely they are. */
async function alternatives(engine: Engine) {
  const tokens: number[] = []
  const logprobs: number[] = []
  const expected: { continuation: number[]; logprobs: number[] }[] = []
  for await (const event of engine.generate(answer)) {
    if (event.type === 'end') break
    for (const { id, logprob } of event.topLogprobs) {
      expected.push({ continuation: [...tokens, id], logprobs: [...logprobs, logprob] })
    }
    tokens.push(event.id)
    logprobs.push(event.logprob!)
  }
  return expected
}

function expectClose(actual: readonly (readonly number[])[], expected: readonly { logprobs: number[] }[]) {
  expect(actual.map(({ length }) => length)).toEqual(expected.map(({ logprobs }) => logprobs.length))
  for (const [index, { logprobs }] of expected.entries()) {
    for (const [at, logprob] of logprobs.entries()) {
      expect(actual[index]![at]).toBeCloseTo(logprob, TOLERANCE_DIGITS)
    }
  }
}

describe.each(['c-api', 'node-binding'] as const)('over %s', kind => {
  let decoder: OrtSession
  const engines: Engine[] = []
  const engineWith = (options: EngineOptions = {}): Engine => {
    const model = { decoder, embeddings: TINY_EMBEDDINGS, checkpoints: TINY_CHECKPOINTS }
    const engine = createEngine(model, { slots: 4, slotCapacity: 96, ...options })
    engines.push(engine)
    return engine
  }

  beforeAll(async () => {
    decoder = await (await loadRuntime({ kind })).loadSession(TINY_DECODER_PATH, { threads: 1 })
  })
  afterAll(async () => {
    for (const engine of engines) await engine.close()
    await decoder.release()
  })

  test.each([
    ['four slots', {}],
    ['a single slot', { slots: 1 }],
    ['no memory for a second prompt', { slotCapacity: 32, kvBytes: 32 * BYTES_PER_POSITION }],
    ['no place in the queue', { slots: 2, maxWaiting: 0 }],
  ])('each token is as likely as when it is generated: %s', async (_, options) => {
    const expected = await alternatives(engineWith())
    const engine = engineWith(options)
    const continuations = expected.map(({ continuation }) => continuation)
    const { logprobs } = await engine.score({ ...common, continuations })
    expectClose(logprobs, expected)
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('what continuations begin with in common is computed once', async () => {
    const engine = engineWith()
    const continuations = (await alternatives(engineWith())).map(({ continuation }) => continuation)
    await engine.score({ ...common, continuations })
    const paths = new Set(
      continuations.flatMap(tokens => tokens.slice(0, -1).map((_, at) => tokens.slice(0, at + 1).join())),
    )
    // The prompt's last position, and each token that others follow.
    expect(engine.stats().tokensGenerated).toBe(1 + paths.size)
  })

  test('the same in company, and beside its own like', async () => {
    const expected = await alternatives(engineWith())
    const request: ScoreRequest = { ...common, continuations: expected.map(each => each.continuation) }
    const engine = engineWith()
    const company = GOLDENS.map(async golden => {
      const ids = { ids: Int32Array.from(golden.prompt), embeddings: embed(golden.prompt) }
      const tokens: number[] = []
      const asked = { ...answer, prompt: ids, checkpoint: golden.checkpoint, maxTokens: golden.tokens.length }
      for await (const event of engine.generate(asked)) if (event.type === 'token') tokens.push(event.id)
      expect(tokens).toEqual(golden.tokens)
    })
    const [one, other] = await Promise.all([engine.score(request), engine.score(request), ...company])
    expectClose(one.logprobs, expected)
    expectClose(other.logprobs, expected)
  })

  test('one who leaves frees every slot', async () => {
    const engine = engineWith({ slots: 2 })
    const leaving = new AbortController()
    const continuations = Array.from({ length: 60 }, (_, token) => [token, 1, 2, 3, 4, 5])
    const scoring = engine.score({ ...common, signal: leaving.signal, continuations })
    setTimeout(() => leaving.abort(new Error('gone')), 0)
    await expect(scoring).rejects.toThrow('gone')
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, slotsFree: 2 })
    const { logprobs } = await engine.score({ ...common, continuations: [[1]] })
    expect(logprobs[0]![0]).toBeLessThan(0)
  })

  test('what does not fit, and what is nothing, is refused', async () => {
    const engine = engineWith({ slotCapacity: 20 })
    const long = Array.from({ length: 20 }, () => 1)
    await expect(engine.score({ ...common, continuations: [long] })).rejects.toMatchObject({
      code: 'context_length_exceeded',
    })
    await expect(engine.score({ ...common, continuations: [[]] })).rejects.toThrow('nothing to score')
  })
})
