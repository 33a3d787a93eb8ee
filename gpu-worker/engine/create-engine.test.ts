// The whole engine on the tiny random decoder: exact tokens, alone and in company.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { loadRuntime } from '../runtime/load-runtime.ts'
import type { OrtSession } from '../runtime/runtime.ts'
import { GREEDY, type SamplingOptions } from '../sampling/options.ts'
import { createEngine } from './create-engine.ts'
import type { Engine, EngineOptions } from './engine.ts'
import {
  embed,
  GOLDENS,
  TINY,
  TINY_CHECKPOINTS,
  TINY_DECODER_PATH,
  TINY_EMBEDDINGS,
} from './fixtures/tiny-decoder.ts'
import type { EngineEvent, EngineRequest } from './types.ts'

const ANSWER = 24

function requestFor(
  prompt: readonly number[],
  overrides: Partial<EngineRequest> & { sampling?: Partial<SamplingOptions> } = {},
): EngineRequest {
  return {
    id: 'test',
    prompt: { ids: Int32Array.from(prompt), embeddings: embed(prompt) },
    checkpoint: null,
    maxTokens: ANSWER,
    stopIds: new Set(),
    signal: new AbortController().signal,
    ...overrides,
    sampling: { ...GREEDY, ...overrides.sampling },
  } as EngineRequest
}

async function collect(events: AsyncIterable<EngineEvent>) {
  const tokens: number[] = []
  for await (const event of events) {
    if (event.type === 'token') tokens.push(event.id)
    else return { tokens, reason: event.reason, timings: event.timings }
  }
  throw new Error('The stream ended without an end.')
}

describe.each([
  ['c-api', 'host'],
  // What a GPU's path is, on the CPU: keys, values and adapters in memory that isn't JavaScript's.
  ['c-api', 'device'],
  ['node-binding', 'host'],
] as const)('over %s, %s memory', (kind, memory) => {
  let decoder: OrtSession
  const engines: Engine[] = []
  const engineWith = (options: EngineOptions = {}): Engine => {
    const engine = createEngine(
      { decoder, embeddings: TINY_EMBEDDINGS, checkpoints: TINY_CHECKPOINTS },
      { slots: 4, slotCapacity: 96, ...options },
    )
    engines.push(engine)
    return engine
  }

  beforeAll(async () => {
    decoder = await (await loadRuntime({ kind })).loadSession(TINY_DECODER_PATH, { threads: 1, memory })
  })
  afterAll(async () => {
    await Promise.all(engines.map(engine => engine.close()))
    await decoder.release()
  })

  test('a checkpoint that comes later answers as one from the start, and is unknown once it has gone', async () => {
    const engine = createEngine(
      { decoder, embeddings: TINY_EMBEDDINGS, checkpoints: new Map() },
      { slots: 2 },
    )
    engines.push(engine)
    const { prompt, tokens } = GOLDENS.find(({ checkpoint }) => checkpoint === 'tuned')!
    const ask = () => collect(engine.generate(requestFor(prompt, { checkpoint: 'tuned' })))
    await expect(ask()).rejects.toMatchObject({ code: 'model_not_found' })
    engine.addCheckpoint('tuned', TINY_CHECKPOINTS.get('tuned')!)
    expect((await ask()).tokens).toEqual(tokens)
    const answering = ask()
    engine.removeCheckpoint('tuned')
    // It goes before a step, and comes back before it has gone.
    engine.addCheckpoint('tuned', new Map())
    expect((await answering).tokens).toEqual(tokens)
    engine.removeCheckpoint('tuned')
    await expect(ask()).rejects.toMatchObject({ code: 'model_not_found' })
  })

  test('each golden alone', async () => {
    const engine = engineWith()
    for (const { prompt, checkpoint, tokens } of GOLDENS) {
      const result = await collect(engine.generate(requestFor(prompt, { checkpoint })))
      expect(result).toMatchObject({ tokens, reason: 'length' })
    }
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, slotsFree: 4, kvUsage: 0 })
  })

  test.each([
    ['one slot', { slots: 1 }],
    ['all at once', { slots: 8 }],
    ['prefill in small chunks', { slots: 3, prefillBudget: 3, prefillBudgetIdle: 5 }],
  ])('all goldens together, twice over: %s', async (_, options) => {
    const engine = engineWith(options)
    const wanted = [...GOLDENS, ...GOLDENS.toReversed()]
    const results = await Promise.all(
      wanted.map(({ prompt, checkpoint }) => collect(engine.generate(requestFor(prompt, { checkpoint })))),
    )
    expect(results.map(({ tokens }) => tokens)).toEqual(wanted.map(({ tokens }) => tokens))
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('company that comes and goes changes nothing', async () => {
    const engine = engineWith({ slots: 6, prefillBudget: 4 })
    const { prompt, tokens } = GOLDENS[0]!
    const subject = collect(engine.generate(requestFor(prompt)))
    for (let index = 0; index < 12; index++) {
      const { prompt: other, checkpoint } = GOLDENS[index % GOLDENS.length]!
      const abort = new AbortController()
      const events = engine.generate(requestFor(other, { checkpoint, signal: abort.signal }))
      let left = index % 5
      for await (const event of events) {
        if (left-- > 0 || event.type === 'end') continue
        if (index % 2 === 0) break
        abort.abort()
      }
    }
    expect((await subject).tokens).toEqual(tokens)
    expect(engine.stats()).toMatchObject({ running: 0, slotsFree: 6 })
  })

  test('a stop id ends the answer and is its last token', async () => {
    const { prompt, tokens } = GOLDENS[1]!
    const stop = tokens.find((token, index) => index > 3 && tokens.indexOf(token) === index)!
    const result = await collect(engineWith().generate(requestFor(prompt, { stopIds: new Set([stop]) })))
    expect(result.reason).toBe('stop')
    expect(result.tokens).toEqual(tokens.slice(0, tokens.indexOf(stop) + 1))
  })

  test('the slot fills up: length', async () => {
    const { prompt, tokens } = GOLDENS[1]!
    const slotCapacity = prompt.length + 5
    const result = await collect(engineWith({ slotCapacity }).generate(requestFor(prompt)))
    expect(result.reason).toBe('length')
    // The last token needs no place of its own: it isn't fed back.
    expect(result.tokens).toEqual(tokens.slice(0, 6))
  })

  test('a full slot keeps what it holds while others decode beside it', async () => {
    const { prompt, tokens } = GOLDENS[1]!
    const slotCapacity = prompt.length + 20
    const engine = engineWith({ slotCapacity, slots: 3 })
    const first = engine.generate(requestFor(GOLDENS[2]!.prompt, { maxTokens: 30 }))
    const others = [
      collect(first),
      collect(engine.generate(requestFor(prompt))),
      collect(engine.generate(requestFor(GOLDENS[6]!.prompt))),
    ]
    await Promise.all(others)
    const again = await collect(
      engine.generate(requestFor([...prompt, ...tokens.slice(0, 15)], { maxTokens: 3 })),
    )
    expect(again.tokens).toEqual(tokens.slice(15, 18))
    expect(again.timings.reusedTokens).toBe(prompt.length)
  })

  test('what a slot still holds is not computed again', async () => {
    const engine = engineWith()
    const { prompt, tokens } = GOLDENS[0]!
    expect((await collect(engine.generate(requestFor(prompt)))).timings.reusedTokens).toBe(0)
    const again = await collect(engine.generate(requestFor(prompt)))
    expect(again).toMatchObject({ tokens, timings: { reusedTokens: prompt.length - 2 } })
    expect(engine.stats().promptTokensReused).toBe(prompt.length - 2)
  })

  test('the same prompt many times at once is computed once', async () => {
    const engine = engineWith({ slots: 4, prefillBudget: 8, prefillBudgetIdle: 8, minimumReuse: 1 })
    const { prompt, tokens } = GOLDENS[0]!
    const results = await Promise.all([1, 2, 3, 4].map(() => collect(engine.generate(requestFor(prompt)))))
    for (const result of results) expect(result.tokens).toEqual(tokens)
    const reused = results.map(({ timings }) => timings.reusedTokens).sort((a, b) => a - b)
    expect(reused).toEqual([0, prompt.length - 2, prompt.length - 2, prompt.length - 2])
  })

  test('nothing is shared across tenants, checkpoints, or different audio', async () => {
    const engine = engineWith({ slots: 8, minimumReuse: 4 })
    const { prompt } = GOLDENS[0]!
    const reused = async (overrides: Partial<EngineRequest>) =>
      (await collect(engine.generate(requestFor(prompt, { maxTokens: 1, ...overrides })))).timings
        .reusedTokens
    const ids = Int32Array.from(prompt)
    ids.fill(TINY.vocabulary + 1, 10, 20)
    const audio = (contentHash?: string) => ({
      prompt: {
        ids,
        embeddings: embed(prompt),
        ...(contentHash && { spans: [{ start: 10, end: 20, contentHash }] }),
      },
    })
    expect(await reused({ tenant: 'a' })).toBe(0)
    expect(await reused({ tenant: 'b' })).toBe(0)
    expect(await reused({ tenant: 'a', checkpoint: 'tuned' })).toBe(0)
    expect(await reused({ tenant: 'a' })).toBe(prompt.length - 2)
    expect(await reused({ tenant: 'c', ...audio('x') })).toBe(0)
    expect(await reused({ tenant: 'c', ...audio('y') })).toBe(10)
    expect(await reused({ tenant: 'c', ...audio('y') })).toBe(prompt.length - 2)
    expect(await reused({ tenant: 'd', ...audio() })).toBe(0)
    expect(await reused({ tenant: 'd', ...audio() })).toBe(10)
  })

  test('a seed gives the same tokens alone and in company', async () => {
    const sampling = { temperature: 1.2, topP: 0.95, seed: 5 }
    const { prompt } = GOLDENS[4]!
    const alone = await collect(
      engineWith().generate(requestFor(prompt, { sampling: { ...GREEDY, ...sampling } })),
    )
    const engine = engineWith({ prefillBudget: 5 })
    const together = await Promise.all([
      ...GOLDENS.slice(0, 3).map(golden => collect(engine.generate(requestFor(golden.prompt)))),
      collect(engine.generate(requestFor(prompt, { sampling: { ...GREEDY, ...sampling } }))),
    ])
    expect(together.at(-1)!.tokens).toEqual(alone.tokens)
    expect(alone.tokens).not.toEqual(GOLDENS[4]!.tokens)
  })

  test('drafts change nothing but the number of steps', async () => {
    const withDrafts = engineWith({ maxDrafts: 3 })
    const without = engineWith()
    const changes: Partial<SamplingOptions>[] = [{}, { temperature: 0.5, seed: 3, repetitionPenalty: 1.3 }]
    for (const sampling of changes.map(change => ({ ...GREEDY, ...change }))) {
      for (const { checkpoint, prompt } of GOLDENS) {
        // What it will say was heard, with a mistake.
        const said = await collect(without.generate(requestFor(prompt, { checkpoint, sampling })))
        const heard = Int32Array.from(said.tokens, (token, index) => (index === 12 ? token ^ 1 : token))
        for (const maxTokens of [ANSWER, ANSWER - 3]) {
          const asked = requestFor(prompt, { checkpoint, sampling, maxTokens })
          const events = async (engine: Engine, request: EngineRequest) => {
            const before = engine.stats().steps
            const all: EngineEvent[] = []
            for await (const event of engine.generate(request)) if (event.type === 'token') all.push(event)
            return { all, steps: engine.stats().steps - before }
          }
          const fast = await events(withDrafts, { ...asked, prompt: { ...asked.prompt, heard } })
          const slow = await events(without, asked)
          expect(fast.all.map(event => event.type === 'token' && event.id)).toEqual(
            slow.all.map(event => event.type === 'token' && event.id),
          )
          expect(fast.steps).toBeLessThan(0.7 * slow.steps)
        }
      }
    }
  })

  test('drafts end where the answer does', async () => {
    const engine = engineWith({ maxDrafts: 3, slotCapacity: 40 })
    const { prompt, tokens, checkpoint } = GOLDENS[0]!
    const asked = requestFor(prompt, { checkpoint, stopIds: new Set([tokens[6]!]) })
    const heard = Int32Array.from(tokens)
    const stop = tokens.indexOf(tokens[6]!) + 1
    const answer = await collect(engine.generate({ ...asked, prompt: { ...asked.prompt, heard } }))
    expect(answer).toMatchObject({ tokens: tokens.slice(0, stop), reason: 'stop' })
    // What was computed behind is not taken for an answer's.
    const again = await collect(engine.generate(requestFor(prompt, { checkpoint })))
    expect(again.tokens).toEqual(tokens.slice(0, again.tokens.length))
  })

  test('log-probabilities come when asked for', async () => {
    const { prompt, firstLogits } = GOLDENS[4]!
    const sampling = { ...GREEDY, topLogprobs: 3 }
    const iterator = engineWith().generate(requestFor(prompt, { sampling }))[Symbol.asyncIterator]()
    const event = (await iterator.next()).value as Extract<EngineEvent, { type: 'token' }>
    const total = Math.log(firstLogits.reduce((sum, logit) => sum + Math.exp(logit), 0))
    expect(event.logprob).toBeCloseTo(Math.max(...firstLogits) - total, 3)
    expect(event.topLogprobs.length).toBe(3)
    expect(event.topLogprobs[0]).toEqual({ id: event.id, logprob: event.logprob })
    await iterator.return?.()
  })

  test('an abort ends a request that runs, one that waits, and one that has not begun', async () => {
    const engine = engineWith({ slots: 1 })
    const [running, waiting] = [new AbortController(), new AbortController()]
    const first = engine
      .generate(requestFor(GOLDENS[0]!.prompt, { signal: running.signal }))
      [Symbol.asyncIterator]()
    await first.next()
    const second = collect(engine.generate(requestFor(GOLDENS[1]!.prompt, { signal: waiting.signal })))
    const third = collect(engine.generate(requestFor(GOLDENS[2]!.prompt)))
    waiting.abort()
    expect(await second).toMatchObject({ tokens: [], reason: 'aborted' })
    running.abort()
    expect((await third).tokens).toEqual(GOLDENS[2]!.tokens)
    const events: EngineEvent[] = []
    for (let next = await first.next(); !next.done; next = await first.next()) events.push(next.value)
    expect(events.at(-1)).toMatchObject({ type: 'end', reason: 'aborted' })
    const late = await collect(engine.generate(requestFor([1], { signal: AbortSignal.abort() })))
    expect(late).toMatchObject({ tokens: [], reason: 'aborted' })
    expect(engine.stats()).toMatchObject({ running: 0, waiting: 0, slotsFree: 1 })
  })

  test('a reader that leaves frees the slot', async () => {
    const engine = engineWith({ slots: 1 })
    for await (const _ of engine.generate(requestFor(GOLDENS[0]!.prompt))) break
    expect(engine.stats()).toMatchObject({ running: 0, slotsFree: 1 })
  })

  test('refusals', async () => {
    const engine = engineWith({ slots: 1, maxWaiting: 1 })
    const refuse = (request: EngineRequest) => collect(engine.generate(request))
    await expect(refuse(requestFor(new Array(96).fill(1)))).rejects.toMatchObject({
      code: 'context_length_exceeded',
    })
    await expect(refuse(requestFor([1], { checkpoint: 'unknown' }))).rejects.toMatchObject({
      code: 'model_not_found',
    })
    await expect(
      refuse(requestFor([1], { prompt: { ids: Int32Array.of(1), embeddings: new Float32Array(3) } })),
    ).rejects.toThrow(RangeError)
    const accepted = [refuse(requestFor([1])), refuse(requestFor([2], { queueTimeoutMs: 0 }))]
    await expect(refuse(requestFor([3]))).rejects.toMatchObject({ code: 'overloaded' })
    await expect(accepted[1]).rejects.toMatchObject({ code: 'overloaded' })
    await expect(accepted[0]).resolves.toMatchObject({ reason: 'length' })
    expect(engine.stats()).toMatchObject({ running: 0, ended: { refused: 1, expired: 1, length: 1 } })
  })

  test('a full queue refuses who is last in turn, which need not be who came last', async () => {
    const engine = engineWith({ slots: 1, maxWaiting: 1 })
    const ask = (priority: 'high' | 'normal') =>
      collect(engine.generate(requestFor([1], { priority, maxTokens: 3 })))
    const [running, waiting, urgent] = [ask('normal'), ask('normal'), ask('high')]
    await expect(waiting).rejects.toMatchObject({ code: 'overloaded' })
    expect(await Promise.all([running, urgent])).toMatchObject([{ reason: 'length' }, { reason: 'length' }])
  })

  test('answers that outgrow the memory are interrupted and come out the same', async () => {
    const probe = engineWith().stats()
    const bytesPerPosition = probe.kvBytesReserved / probe.kvPositions.budget
    const engine = engineWith({
      slots: 6,
      kvBytes: 100 * bytesPerPosition,
      growthReserve: 0,
      prefillBudget: 5,
    })
    const wanted = [...GOLDENS, ...GOLDENS]
    const sampling = (index: number) =>
      index < GOLDENS.length ? GREEDY : { ...GREEDY, temperature: 1.2, topP: 0.95, seed: index }
    const ask =
      (to: Engine) =>
      ({ prompt, checkpoint }: (typeof wanted)[number], index: number) =>
        collect(to.generate(requestFor(prompt, { checkpoint, sampling: sampling(index) })))
    const together = await Promise.all(wanted.map(ask(engine)))
    const alone = []
    const unbounded = engineWith({ slots: 1 })
    for (const [index, one] of wanted.entries()) alone.push(await ask(unbounded)(one, index))
    expect(together.map(({ tokens }) => tokens)).toEqual(alone.map(({ tokens }) => tokens))
    expect(together.slice(0, GOLDENS.length).map(({ tokens }) => tokens)).toEqual(
      GOLDENS.map(({ tokens }) => tokens),
    )
    expect(engine.stats().preemptions).toBeGreaterThan(0)
    expect(engine.stats().kvPositions).toMatchObject({ budget: 100, running: 0 })
  })

  test('memory for less than one slot is refused', () => {
    expect(() => engineWith({ kvBytes: 1000 })).toThrow(RangeError)
  })

  test('a high priority takes the slot of a low one, which goes on as if nothing had been', async () => {
    const engine = engineWith({ slots: 1 })
    const [first, second] = [GOLDENS[0]!, GOLDENS[1]!]
    const order: string[] = []
    const low = engine.generate(requestFor(first.prompt, { priority: 'low' }))[Symbol.asyncIterator]()
    const tokens: number[] = []
    let high: Promise<unknown> | null = null
    for (let next = await low.next(); !next.done; next = await low.next()) {
      if (next.value.type === 'token') tokens.push(next.value.id)
      else order.push('low')
      high ??= collect(engine.generate(requestFor(second.prompt, { priority: 'high' }))).then(result => {
        expect(result.tokens).toEqual(second.tokens)
        order.push('high')
      })
    }
    await high
    expect(tokens).toEqual(first.tokens)
    expect(order).toEqual(['high', 'low'])
    expect(engine.stats()).toMatchObject({ preemptions: 1, running: 0, slotsFree: 1 })
  })

  test('a deadline ends a request, waiting or running', async () => {
    const engine = engineWith({ slots: 1 })
    const late = { deadlineMs: performance.now() }
    await expect(collect(engine.generate(requestFor([1, 2, 3], late)))).rejects.toMatchObject({
      code: 'deadline_exceeded',
    })
    expect(engine.stats()).toMatchObject({ slotsFree: 1, waiting: 0, ended: { expired: 1 } })
  })

  test('a run that fails ends its own sequences only', async () => {
    let runs = 0
    const failing: OrtSession = {
      inputs: decoder.inputs,
      outputs: decoder.outputs,
      memory: decoder.memory,
      run: (...args) => decoder.run(...args),
      release: () => decoder.release(),
      createBinding() {
        const binding = decoder.createBinding()
        return {
          bindInput: (...args) => binding.bindInput(...args),
          bindOutput: (...args) => binding.bindOutput(...args),
          release: () => binding.release(),
          async run(options) {
            // The prefill of the second.
            if (++runs === 2) throw new Error('out of luck')
            await binding.run(options)
          },
        }
      },
    }
    const engine = createEngine({
      decoder: failing,
      embeddings: TINY_EMBEDDINGS,
      checkpoints: TINY_CHECKPOINTS,
    })
    engines.push(engine)
    const [first, second] = [GOLDENS[0]!, GOLDENS[1]!]
    const results = await Promise.allSettled(
      [first, second].map(({ prompt, checkpoint }) =>
        collect(engine.generate(requestFor(prompt, { checkpoint }))),
      ),
    )
    expect(results).toMatchObject([
      { status: 'fulfilled', value: { tokens: first.tokens } },
      { status: 'rejected', reason: { message: 'out of luck' } },
    ])
    expect(engine.stats()).toMatchObject({ running: 0, slotsFree: 8, ended: { length: 1, failed: 1 } })
    const again = await collect(engine.generate(requestFor(second.prompt, { checkpoint: second.checkpoint })))
    expect(again.tokens).toEqual(second.tokens)
  })

  test('close ends what runs and refuses what comes', async () => {
    const engine = engineWith({ slots: 1 })
    const running = collect(engine.generate(requestFor(GOLDENS[0]!.prompt)))
    await Promise.resolve()
    await engine.close()
    expect(await running).toMatchObject({ reason: 'aborted' })
    await expect(collect(engine.generate(requestFor([1])))).rejects.toMatchObject({
      code: 'worker_unavailable',
    })
  })
})
