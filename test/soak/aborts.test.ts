// Requests that are given up at random moments, by signal or by leaving: no slot is lost, and who stays gets what
// it would have had. How long a slot takes to be free: `npm run bench -- aborts`.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEngine } from '../../gpu-worker/engine/create-engine.ts'
import type { EngineModel } from '../../gpu-worker/engine/engine.ts'
import type { EngineRequest } from '../../gpu-worker/engine/types.ts'
import { GREEDY } from '../../gpu-worker/sampling/options.ts'
import { seededRandom } from '../../gpu-worker/sampling/random.ts'
import { loadPocketDecoder, textPrompt } from '../support/pocket-decoder.ts'

/** `npm run test:soak` aborts a thousand. */
const ABORTS = Number(process.env['AURICLE_SOAK_ABORTS'] ?? 40)
const AT_ONCE = 12
const SLOTS = 6
const HOUR_MS = 3_600_000

let model: EngineModel

beforeAll(async () => {
  model = await loadPocketDecoder()
})
afterAll(() => model?.decoder.release())

test(`${ABORTS} aborts at random moments`, { timeout: HOUR_MS }, async () => {
  const random = seededRandom(7)
  const below = (limit: number) => Math.floor(random() * limit)
  const engine = createEngine(model, { slots: SLOTS, slotCapacity: 256, prefillBudget: 24 })
  const request = (length: number, maxTokens: number): Omit<EngineRequest, 'signal'> => ({
    id: 'soak',
    prompt: textPrompt(
      model,
      Int32Array.from({ length }, () => 1000 + below(40_000)),
    ),
    checkpoint: null,
    maxTokens,
    stopIds: new Set(),
    sampling: { ...GREEDY, topLogprobs: 0 },
  })
  const witness = request(40, 24)
  const answer = async () => {
    const tokens = []
    for await (const event of engine.generate({ ...witness, signal: new AbortController().signal })) {
      if (event.type === 'token') tokens.push([event.id, event.logprob])
    }
    return tokens
  }
  const expected = await answer()

  let left = ABORTS
  async function abortSome(): Promise<void> {
    while (left-- > 0) {
      const abort = new AbortController()
      // In the queue, in the middle of a prefill, while decoding: after so many turns of the event loop.
      let turns = below(400)
      const wait = () => {
        if (turns-- > 0) setImmediate(wait)
        else abort.abort()
      }
      const leaves = random() < 0.3
      if (!leaves) wait()
      for await (const event of engine.generate({ ...request(20 + below(200), 30), signal: abort.signal })) {
        if (event.type === 'token' && leaves && random() < 0.2) break
      }
    }
  }
  const crowd = Array.from({ length: AT_ONCE }, abortSome)
  for (let again = 0; again < 3; again++) expect(await answer()).toEqual(expected)
  await Promise.all(crowd)
  expect(engine.stats()).toMatchObject({
    running: 0,
    waiting: 0,
    slotsFree: SLOTS,
    kvPositions: { running: 0 },
  })
  expect(engine.stats().ended.aborted).toBeGreaterThan(ABORTS / 2)
  expect(await answer()).toEqual(expected)
  await engine.close()
})
