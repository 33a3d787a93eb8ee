import { readFile } from 'node:fs/promises'
import { afterEach, describe, expect, test } from 'vitest'
import { Conformance } from '../../test/support/conformance.ts'
import { type AppOptions, createApp } from '../app.ts'
import { ErrorBody } from '../protocol/errors.ts'
import { defaultLimits } from '../protocol/limits.ts'
import type { NgramModelCard } from '../protocol/ngram-models.ts'
import { MemoryStore } from '../storage/memory-store.ts'

const golden = (name: string) => readFile(new URL(`../ngram/goldens/${name}`, import.meta.url))
const text = await golden('text.txt')
const hypotheses = [
  { text: 'And God said, let there bee light.', acoustic_logprob: -4 },
  { text: 'And God said, let there be light.', acoustic_logprob: -4.5 },
]

const conformance = new Conformance()
afterEach(() => expect(conformance.takeProblems()).toEqual([]))

function setUp(options: Partial<AppOptions> = {}) {
  const store = new MemoryStore()
  const app = createApp({ fleet: {} as never, store, ...options })
  const call = async (method: string, path: string, body?: FormData | object) => {
    const init: RequestInit = { method }
    if (body instanceof FormData) init.body = body
    else if (body !== undefined) {
      init.body = JSON.stringify(body)
      init.headers = { 'content-type': 'application/json' }
    }
    const response = await app.request(`/v1/${path}`, init)
    return conformance.observe(response, { method, url: `http://edge/v1/${path}` })
  }
  const create = async (bytes: Uint8Array | string, fields: Record<string, string | string[]> = {}) => {
    const form = new FormData()
    form.append('file', new Blob([bytes as Uint8Array<ArrayBuffer>]), 'file')
    for (const [name, values] of Object.entries(fields))
      for (const value of [values].flat()) form.append(name, value)
    return call('POST', 'ngram-models', form)
  }
  const card = async (response: Promise<Response>): Promise<NgramModelCard> => (await response).json()
  return { app, store, call, create, card }
}

const errorOf = async (pending: Promise<Response>) => {
  const response = await pending
  const { code, param, message } = ErrorBody.parse(await response.json()).error
  return { status: response.status, code, param, message }
}

describe('POST /v1/ngram-models', () => {
  test('makes a model of text and says what it is', async () => {
    const { create, card } = setUp()
    const model = await card(create(text, { name: 'genesis', order: '2', held_out: '0.1' }))
    expect(model).toMatchObject({
      object: 'ngram_model',
      name: 'genesis',
      source: 'text',
      order: 2,
      smoothing: 'modified-kneser-ney',
      tokenization: 'segments',
      lowercase: true,
    })
    const lines = new TextDecoder().decode(text).trimEnd().split('\n').length
    expect(model.text!.sentences).toBe(lines - Math.floor(lines * 0.1))
    expect(model.ngrams[1]).toBeGreaterThan(model.ngrams[0]!)
    expect(model.perplexity!.tokens).toBeGreaterThan(100)
    expect(model.perplexity!.including_unknown).toBeGreaterThan(10)
  })

  test('takes text as JSON, ARPA files in gzip, and binaries', async () => {
    const { call, create, card, store } = setUp()
    const small = await card(
      call('POST', 'ngram-models', { text: 'play some music\nplay some jazz\n', order: 2 }),
    )
    expect(small.text).toEqual({ sentences: 2, words: 6 })
    const arpa = await card(create(await golden('order-3.arpa.gz')))
    expect(arpa).toMatchObject({ source: 'arpa', order: 3, smoothing: null, text: null, perplexity: null })
    const stored = await store.get(`tenants/default/ngram-models/${arpa.id}.bin`)
    const binary = await card(create(new Uint8Array(await new Response(stored!.body).arrayBuffer())))
    expect(binary).toMatchObject({ source: 'binary', order: 3, ngrams: arpa.ngrams, bytes: arpa.bytes })
  })

  test.each<[string, string | Uint8Array, Record<string, string>, string, string | null, RegExp]>([
    ['an empty text', '\n \n', {}, 'ngram_model_invalid', 'file', /no words/],
    [
      'bytes that are no text',
      new Uint8Array([255, 254, 0, 200]),
      {},
      'ngram_model_invalid',
      'file',
      /UTF-8/,
    ],
    [
      'a gzip that is damaged',
      new Uint8Array([0x1f, 0x8b, 8, 0, 1, 2, 3]),
      {},
      'ngram_model_invalid',
      'file',
      /gzip/,
    ],
    [
      'an ARPA file that is cut off',
      '\\data\\\nngram 1=2\n\n\\1-grams:\n-1 a\n',
      {},
      'ngram_model_invalid',
      'file',
      /cut off/,
    ],
    ['text that is called ARPA', 'hello', { format: 'arpa' }, 'ngram_model_invalid', 'format', /not an ARPA/],
    ['an order of 11', 'a b', { order: '11' }, 'invalid_request', 'order', /<=10/],
    ['an unknown smoothing', 'a b', { smoothing: 'butter' }, 'invalid_request', 'smoothing', /katz/],
    ['add-k without k', 'a b', { smoothing: 'add-k' }, 'invalid_request', 'k', /needs it/],
    ['a discount for none', 'a b', { discount: '0.5' }, 'invalid_request', 'discount', /takes none/],
    ['a misspelt field', 'a b', { ordr: '2' }, 'unsupported_parameter', 'ordr', /Did you mean 'order'/],
    [
      'too long a prune',
      'a b',
      { order: '1', 'prune[]': '0', prune: '1' },
      'invalid_request',
      'prune',
      /thresholds/,
    ],
  ])('refuses %s', async (_, file, fields, code, param, message) => {
    const error = await errorOf(setUp().create(file, fields))
    expect(error).toMatchObject({ status: 400, code, param, message: expect.stringMatching(message) })
  })

  test('holds its limits: bytes, characters unpacked, n-grams', async () => {
    const limits = {
      ...defaultLimits,
      maxNgramFileBytes: 2_000_000,
      maxNgramTextCharacters: 50_000,
      maxNgrams: 100,
    }
    const { create } = setUp({ limits })
    expect(await errorOf(create(new Uint8Array(2_000_001)))).toMatchObject({ status: 413, param: 'file' })
    const zeros = new Blob([new Uint8Array(1_000_000).fill(97)])
      .stream()
      .pipeThrough(new CompressionStream('gzip'))
    const bomb = new Uint8Array(await new Response(zeros).arrayBuffer())
    expect(bomb.byteLength).toBeLessThan(5000)
    expect(await errorOf(create(bomb))).toMatchObject({
      status: 400,
      message: expect.stringMatching(/unpacked/),
    })
    expect(await errorOf(create(text.subarray(0, 20_000)))).toMatchObject({
      message: expect.stringMatching(/at most 100/),
    })
    expect(await errorOf(create(await golden('order-2.arpa.gz')))).toMatchObject({
      message: expect.stringMatching(/n-grams that are allowed/),
    })
  })

  test('mixes models, also mixtures, and sums their weights to 1', async () => {
    const { call, card } = setUp()
    const make = (body: object) => card(call('POST', 'ngram-models', body))
    const one = await make({ text: 'take two tablets of ibuprofen\n', order: 2 })
    const other = await make({ text: 'play some music\n', order: 3 })
    const models = [
      { id: one.id, weight: 3 },
      { id: other.id, weight: 1 },
    ]
    const mixture = await make({ models, name: 'both' })
    expect(mixture).toMatchObject({ source: 'mixture', order: 3, name: 'both' })
    expect(mixture.models!.map(({ weight }) => weight)).toEqual([0.75, 0.25])
    const request = { hypotheses: [{ text: 'play some music', acoustic_logprob: 0 }], ngram_weight: 1 }
    const logprob = async (ngram_model: unknown) =>
      (await (await call('POST', 'audio/rescore', { ...request, ngram_model })).json()).hypotheses[0]
        .ngram_logprob
    expect(await logprob(mixture.id)).toBeCloseTo(await logprob(models), 9)
    const nested = await make({
      models: [
        { id: mixture.id, weight: 1 },
        { id: other.id, weight: 1 },
      ],
    })
    const flat = [
      { id: one.id, weight: 3 },
      { id: other.id, weight: 5 },
    ]
    expect(await logprob(nested.id)).toBeCloseTo(await logprob(flat), 9)
    const characters = await make({ text: 'abc\n', tokenization: 'characters' })
    const mixed = [...models, { id: characters.id, weight: 1 }]
    expect(await errorOf(call('POST', 'ngram-models', { models: mixed }))).toMatchObject({
      status: 400,
      param: 'models',
      message: expect.stringMatching(/different ways/),
    })
  })
})

describe('a tenant’s models', () => {
  test('are listed page by page, shown and deleted', async () => {
    const { call, card } = setUp()
    const ids: string[] = []
    for (let k = 0; k < 3; k++) ids.push((await card(call('POST', 'ngram-models', { text: 'a b\n' }))).id)
    ids.sort()
    const first = await (await call('GET', 'ngram-models?limit=2')).json()
    expect([first.data.map(({ id }: NgramModelCard) => id), first.has_more]).toEqual([ids.slice(0, 2), true])
    const second = await (await call('GET', `ngram-models?limit=2&after=${ids[1]}`)).json()
    expect([second.data.map(({ id }: NgramModelCard) => id), second.has_more]).toEqual([[ids[2]], false])
    expect((await (await call('GET', `ngram-models/${ids[0]}`)).json()).id).toBe(ids[0])
    expect(await (await call('DELETE', `ngram-models/${ids[0]}`)).json()).toMatchObject({ deleted: true })
    for (const [method, path] of [
      ['GET', ids[0]],
      ['DELETE', ids[0]],
      ['GET', 'ngm_..%2f..'],
      ['GET', 'x'],
    ] as const)
      expect(await errorOf(call(method, `ngram-models/${path}`))).toMatchObject({
        code: 'ngram_model_not_found',
      })
    expect(await errorOf(call('GET', 'ngram-models?limit=0'))).toMatchObject({ status: 400, param: 'limit' })
  })

  test('are nobody else’s', async () => {
    const { card, call, store } = setUp()
    const { id } = await card(call('POST', 'ngram-models', { text: 'a b\n' }))
    // What belongs to another tenant lies under another key.
    const other = new MemoryStore()
    for (const { key } of (await store.list('tenants/default/')).objects) {
      const content = await store.get(key)
      const moved = key.replace('default', 'acme')
      await other.put(moved, content!.body, { contentType: 'x/x', maxBytes: 1e6 })
    }
    const theirs = setUp({ store: other })
    expect(await errorOf(theirs.call('GET', `ngram-models/${id}`))).toMatchObject({ status: 404 })
    expect((await (await theirs.call('GET', 'ngram-models')).json()).data).toEqual([])
  })
})

describe('POST /v1/audio/rescore', () => {
  test('puts hypotheses in order, cut as the model was, and shows the parts', async () => {
    const { create, call, card } = setUp()
    const { id } = await card(create(text))
    const answer = await (
      await call('POST', 'audio/rescore', { hypotheses, ngram_model: id, ngram_weight: 0.5, word_bonus: 0.1 })
    ).json()
    const [best, worse] = answer.hypotheses
    expect(best).toMatchObject({ index: 1, word_count: 7, unknown_words: [] })
    expect(best.parts.acoustic + best.parts.ngram + best.parts.length).toBeCloseTo(best.score, 9)
    expect(best.parts.ngram).toBeCloseTo(0.5 * best.ngram_logprob, 9)
    expect(worse.unknown_words).toEqual(['bee'])
  })

  test('works with hotwords alone', async () => {
    const answer = await (
      await setUp().call('POST', 'audio/rescore', { hypotheses, hotwords: ['be light'] })
    ).json()
    expect(answer.hypotheses[0]).toMatchObject({
      index: 1,
      ngram_logprob: null,
      parts: { ngram: 0, length: 4 },
    })
  })

  test.each<[object, number, string, string | null]>([
    [{}, 400, 'invalid_request', 'hypotheses'],
    [{ hypotheses: [] }, 400, 'invalid_request', 'hypotheses'],
    [{ hypotheses: [{ text: 'a' }] }, 400, 'invalid_request', 'hypotheses[0].acoustic_logprob'],
    [{ hypotheses }, 400, 'invalid_request', 'ngram_model'],
    [{ hypotheses, hotwords: ['a'], ngram_weight: 1 }, 400, 'invalid_request', 'ngram_weight'],
    [{ hypotheses, ngram_model: 'ngm_00000000' }, 404, 'ngram_model_not_found', 'ngram_model'],
    [{ hypotheses, ngram_model: [] }, 400, 'invalid_request', 'ngram_model'],
    [{ hypotheses, hotword: ['a'] }, 400, 'unsupported_parameter', 'hotword'],
  ])('refuses %j', async (body, status, code, param) => {
    expect(await errorOf(setUp().call('POST', 'audio/rescore', body))).toMatchObject({ status, code, param })
  })

  test('forgets a model that was deleted', async () => {
    const { call, card } = setUp()
    const { id } = await card(call('POST', 'ngram-models', { text: 'let there be light\n' }))
    const ask = () => call('POST', 'audio/rescore', { hypotheses, ngram_model: id })
    expect((await ask()).status).toBe(200)
    await call('DELETE', `ngram-models/${id}`)
    expect(await errorOf(ask())).toMatchObject({ status: 404 })
  })
})
