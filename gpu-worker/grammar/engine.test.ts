// Grammars in the engine, on the tiny random decoder: whatever it would say, it says JSON that satisfies the schema.
import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createEngine } from '../engine/create-engine.ts'
import type { Engine, EngineOptions } from '../engine/engine.ts'
import {
  embed,
  TINY_CHECKPOINTS,
  TINY_DECODER_PATH,
  TINY_EMBEDDINGS,
} from '../engine/fixtures/tiny-decoder.ts'
import type { EngineEvent, EngineRequest } from '../engine/types.ts'
import { loadRuntime } from '../runtime/load-runtime.ts'
import type { OrtSession } from '../runtime/runtime.ts'
import { GREEDY } from '../sampling/options.ts'
import { GrammarCompiler } from './compiler.ts'

/** The tiny decoder's 96 ids, read as the printable characters of ASCII and an end. */
const FIRST = 0x20
const END = 95
const compiler = new GrammarCompiler({
  lengths: new Uint16Array(96).fill(1, 0, END),
  bytes: Uint8Array.from({ length: END }, (_, id) => FIRST + id),
  ends: Uint32Array.of(END),
})
const ajv = new Ajv2020()

const small = { type: 'integer', minimum: 0, maximum: 99 }
const SCHEMAS = [
  { enum: ['yes', 'no', 'maybe'] },
  {
    type: 'object',
    properties: { a: small, b: { type: 'boolean' } },
    required: ['a', 'b'],
    additionalProperties: false,
  },
  { type: 'array', items: small, minItems: 1, maxItems: 4 },
  { type: 'string', pattern: '^[a-c]{2,5}$' },
  {
    anyOf: [
      { type: 'null' },
      { type: 'array', prefixItems: [small, { const: 'x' }], items: false, minItems: 2 },
    ],
  },
  {
    type: 'object',
    properties: { t: { type: 'string', pattern: '^[0-2]\\d:[0-5]\\d$' } },
    required: ['t'],
    additionalProperties: false,
  },
]

let decoder: OrtSession
const engines: Engine[] = []
beforeAll(async () => {
  decoder = await (await loadRuntime()).loadSession(TINY_DECODER_PATH, { threads: 1 })
})
afterAll(async () => {
  await Promise.all(engines.map(engine => engine.close()))
  await decoder.release()
  await compiler.close()
})

function engineWith(options: EngineOptions): Engine {
  const model = { decoder, embeddings: TINY_EMBEDDINGS, checkpoints: TINY_CHECKPOINTS }
  const engine = createEngine(model, { slotCapacity: 96, ...options })
  engines.push(engine)
  return engine
}

/** Requests of all kinds: each schema greedy, with a seed, with penalties and log-probabilities. */
async function requests(): Promise<EngineRequest[]> {
  const kinds = [
    {},
    { temperature: 1.3, seed: 7 },
    {
      temperature: 0.8,
      seed: 3,
      topP: 0.9,
      repetitionPenalty: 1.2,
      topLogprobs: 2,
      logitBias: new Map([[END, 5]]),
    },
  ]
  const all: EngineRequest[] = []
  for (const [index, schema] of SCHEMAS.entries()) {
    const grammar = await compiler.compile(JSON.stringify(schema))
    for (const sampling of kinds) {
      const ids = Int32Array.from({ length: 6 + 3 * index }, (_, at) => (7 * at + index) % END)
      all.push({
        id: 'test',
        prompt: { ids, embeddings: embed(ids) },
        checkpoint: null,
        maxTokens: 60,
        stopIds: new Set([END]),
        grammar,
        signal: new AbortController().signal,
        sampling: { ...GREEDY, ...sampling },
      })
    }
  }
  return all
}

async function collect(events: AsyncIterable<EngineEvent>) {
  const tokens: number[] = []
  for await (const event of events) {
    if (event.type === 'end') return { tokens, reason: event.reason }
    tokens.push(event.id)
  }
  throw new Error('The stream ended without an end.')
}

const textOf = (tokens: readonly number[]) =>
  String.fromCharCode(...tokens.filter(id => id !== END).map(id => FIRST + id))

describe('answers', () => {
  let alone: { tokens: number[]; reason: string }[]
  let asked: EngineRequest[]
  beforeAll(async () => {
    asked = await requests()
    const engine = engineWith({ slots: 1 })
    alone = []
    for (const request of asked) alone.push(await collect(engine.generate(request)))
  })

  test('parse and satisfy their schema', () => {
    for (const [index, { tokens, reason }] of alone.entries()) {
      const schema = SCHEMAS[Math.floor(index / 3)]!
      expect(reason).toBe('stop')
      const value: unknown = JSON.parse(textOf(tokens))
      expect(ajv.validate(schema, value), `${textOf(tokens)}: ${ajv.errorsText()}`).toBe(true)
    }
  })

  test('are the same in company', async () => {
    const engine = engineWith({ slots: 6, prefillBudget: 5 })
    expect(await Promise.all(asked.map(request => collect(engine.generate(request))))).toEqual(alone)
  })

  test('are the same when they are interrupted and computed again', async () => {
    const probe = engineWith({ slots: 1 }).stats()
    const bytesPerPosition = probe.kvBytesReserved / probe.kvPositions.budget
    const engine = engineWith({ slots: 6, kvBytes: 100 * bytesPerPosition, growthReserve: 0 })
    expect(await Promise.all(asked.map(request => collect(engine.generate(request))))).toEqual(alone)
    expect(engine.stats().preemptions).toBeGreaterThan(0)
  })

  test('that are cut are the beginning of one', async () => {
    const engine = engineWith({ slots: 4 })
    for (const [index, request] of asked.entries()) {
      const { tokens, reason } = await collect(engine.generate({ ...request, maxTokens: 3 }))
      expect(tokens).toEqual(alone[index]!.tokens.slice(0, 3))
      expect(reason).toBe(alone[index]!.tokens.length > 3 || tokens[2] !== END ? 'length' : 'stop')
    }
  })
})

test('a request that is refused, aborted or left gives its grammar back', async () => {
  const grammar = await compiler.compile('{"type":"string"}')
  let [started, released] = [0, 0]
  const counted = {
    start() {
      started++
      const constraint = grammar.start()
      return {
        mask: () => constraint.mask(),
        accept: (id: number) => constraint.accept(id),
        release() {
          released++
          constraint.release()
        },
      }
    },
  }
  const [base] = await requests()
  const request = { ...base!, grammar: counted, maxTokens: 80 }
  const engine = engineWith({ slots: 1, maxWaiting: 1 })
  const abort = new AbortController()
  const aborted = collect(engine.generate({ ...request, signal: abort.signal }))
  const waiting = collect(engine.generate(request))
  await expect(collect(engine.generate(request))).rejects.toMatchObject({ code: 'overloaded' })
  abort.abort()
  expect(await aborted).toMatchObject({ reason: 'aborted' })
  await waiting
  for await (const _ of engine.generate(request)) break
  expect([started, released]).toEqual([4, 4])
})
