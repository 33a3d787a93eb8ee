// The same request gives the same tokens alone and beside eight others, with the real weights and all that the
// engine does at once: chunked prefill, prefixes taken over, sequences interrupted and computed again.
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createEngine } from '../../gpu-worker/engine/create-engine.ts'
import type { Engine, EngineModel } from '../../gpu-worker/engine/engine.ts'
import { PRIORITIES } from '../../gpu-worker/engine/sequence.ts'
import type { EngineRequest } from '../../gpu-worker/engine/types.ts'
import { GREEDY } from '../../gpu-worker/sampling/options.ts'
import { type Random, seededRandom } from '../../gpu-worker/sampling/random.ts'
import { loadPocketDecoder, textPrompt } from '../support/pocket-decoder.ts'

/** `npm run test:soak` tries a thousand. */
const PAIRS = Number(process.env['AURICLE_SOAK_PAIRS'] ?? 18)
const COMPANY = 8
const SLOT_CAPACITY = 128
const MAX_TOKENS = 16
const HOUR_MS = 3_600_000

let model: EngineModel

beforeAll(async () => {
  model = await loadPocketDecoder()
})
afterAll(() => model?.decoder.release())

type Asked = Omit<EngineRequest, 'id' | 'signal' | 'tenant'>

function below(random: Random, limit: number): number {
  return Math.floor(random() * limit)
}

/** Half of them are greedy; their prompts have beginnings in common. */
function randomRequest(random: Random, bases: readonly Int32Array[]): Asked {
  const base = bases[below(random, bases.length)]!
  const common = below(random, base.length)
  const own = Array.from({ length: 2 + below(random, 20) }, () => 1000 + below(random, 40_000))
  const names = [null, ...model.checkpoints.keys()]
  const sampling = { temperature: 0.9, topP: 0.95, repetitionPenalty: 1.1, seed: below(random, 1e9) }
  return {
    prompt: textPrompt(model, Int32Array.from([...base.subarray(0, common), ...own])),
    checkpoint: names[below(random, names.length)]!,
    maxTokens: 1 + below(random, MAX_TOKENS),
    stopIds: new Set(),
    sampling: { ...GREEDY, topLogprobs: 0, ...(random() < 0.5 ? sampling : {}) },
    priority: PRIORITIES[below(random, PRIORITIES.length)]!,
  }
}

/** Tokens with their log-probabilities, which are to agree to the last bit. */
async function ask(engine: Engine, asked: Asked, tenant: string): Promise<[number, number | null][]> {
  const { signal } = new AbortController()
  const tokens: [number, number | null][] = []
  for await (const event of engine.generate({ ...asked, id: 'soak', tenant, signal })) {
    if (event.type === 'token') tokens.push([event.id, event.logprob])
  }
  return tokens
}

test(`${PAIRS} requests alone and beside ${COMPANY} others`, { timeout: HOUR_MS }, async () => {
  const alone = createEngine(model, { slots: 1, slotCapacity: SLOT_CAPACITY, maxDrafts: 3 })
  const { kvBytesReserved, kvPositions } = alone.stats()
  const bytesPerPosition = kvBytesReserved / kvPositions.budget
  const seen = { preemptions: 0, promptTokensReused: 0 }
  let pairs = 0
  for (let seed = 1; pairs < PAIRS; seed++) {
    const random = seededRandom(seed)
    const together = createEngine(model, {
      slots: 4 + below(random, COMPANY - 2),
      slotCapacity: SLOT_CAPACITY,
      kvBytes: bytesPerPosition * (SLOT_CAPACITY + below(random, 2 * SLOT_CAPACITY)),
      prefillBudget: 3 + below(random, 40),
      prefillBudgetIdle: 8 + below(random, 100),
      minimumReuse: 2 + below(random, 12),
      growthReserve: below(random, 4),
    })
    const bases = Array.from({ length: 3 }, () =>
      Int32Array.from({ length: 50 }, () => 1000 + below(random, 40_000)),
    )
    const asked = Array.from({ length: 1 + COMPANY }, () => randomRequest(random, bases))
    const answers = await Promise.all(
      asked.map(async one => {
        // They come one after the other while the first are under way.
        for (let turns = below(random, 200); turns > 0; turns--) {
          await new Promise(resolve => setImmediate(resolve))
        }
        return await ask(together, one, 'together')
      }),
    )
    for (const [index, one] of asked.entries()) {
      // Another tenant each time: nothing is taken over. Most of what is guessed comes true, and must change nothing.
      const heard = Int32Array.from(answers[index]!, ([id], at) => (at % 8 === 6 ? id + 1 : id))
      const guessed = { ...one, prompt: { ...one.prompt, heard } }
      const expected = await ask(alone, guessed, `alone ${seed} ${index}`)
      expect(answers[index], `request ${index} of seed ${seed}`).toEqual(expected)
      expect(expected.length).toBe(one.maxTokens)
      pairs += 1
    }
    const stats = together.stats()
    seen.preemptions += stats.preemptions
    seen.promptTokensReused += stats.promptTokensReused
    expect(stats).toMatchObject({ running: 0, waiting: 0, ended: { length: asked.length } })
    await together.close()
  }
  const { promptTokensReused, steps, tokensGenerated } = alone.stats()
  expect(promptTokensReused).toBe(0)
  // Prompts take steps of their own.
  expect(steps - pairs).toBeLessThan(0.8 * (tokensGenerated - pairs))
  expect(seen.preemptions).toBeGreaterThan(PAIRS / 40)
  expect(seen.promptTokensReused).toBeGreaterThan(PAIRS)
  await alone.close()
})
