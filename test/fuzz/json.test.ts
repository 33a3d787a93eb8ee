// Every route that takes JSON, or nothing but a path: valid requests, broken somewhere, to the edge and to the worker.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { beatPath, signatureHeader, signBeat } from '../../src/protocol/beat.ts'
import { protocolVersion } from '../../src/protocol/health.ts'
import { operations } from '../../src/routes/operations.ts'
import { breakBytes, byteChanges, cutAt, cuts, streamOf } from './break-bytes.ts'
import { breakJson, jsonChange } from './break-json.ts'
import { fraction, fuzz, inputsMade, oneIn, shares } from './inputs.ts'
import { checkAnswer, fleetSecret, type Servers, serverOf, startServers } from './servers.ts'

/** A valid request. */
interface Valid {
  method: string
  /** With `:file`, `:ngram` and `:upload` for ids of what is kept. */
  path: string
  json?: unknown
}

let servers: Servers
let valid: Valid[]
beforeAll(async () => {
  servers = await startServers()
  valid = validRequests(servers)
})

function validRequests({ wav, fileId, ngramModelId, uploadId }: Servers): Valid[] {
  const post = (path: string, json: unknown): Valid => ({ method: 'POST', path, json })
  const get = (path: string): Valid => ({ method: 'GET', path })
  const data = Buffer.from(wav).toString('base64')
  const user = (...content: object[]) => ({ role: 'user', content })
  const text = { type: 'text', text: 'What is said?' }
  const hello = [{ role: 'user', content: 'Hello' }]
  const chat = (fields: object) => post('/v1/chat/completions', { model: 'fake', messages: hello, ...fields })
  const schema = {
    type: 'object',
    properties: { a: { type: 'string', maxLength: 3 }, b: { enum: [1, 'x'] } },
    required: ['a'],
    additionalProperties: false,
  }
  const beat = {
    worker: { id: 'w', url: 'http://w:8081' },
    status: 'ready',
    protocol_version: protocolVersion,
    models: ['fake'],
    load: { running: 0, waiting: 0, slots: 4 },
    cached_audio: { hashes: 3, bits: 'AAAA' },
  }
  return [
    chat({}),
    chat({ stream: true, stream_options: { include_usage: true }, n: 2, seed: 7, stop: ['x'] }),
    chat({
      logprobs: true,
      top_logprobs: 2,
      logit_bias: { 7: 1 },
      temperature: 0.5,
      top_p: 0.9,
      max_tokens: 5,
    }),
    chat({
      messages: [
        { role: 'system', content: 'Be kind.' },
        user({ type: 'input_audio', input_audio: { data, format: 'wav' } }, text),
      ],
    }),
    chat({
      messages: [user({ type: 'audio_url', audio_url: { url: `data:audio/wav;base64,${data}` } }, text)],
      long_audio: 'chunk',
    }),
    chat({
      messages: [
        user({ type: 'file', file: { file_id: fileId } }),
        { role: 'assistant', content: 'Yes.' },
        user(text),
      ],
    }),
    chat({
      messages: [user({ type: 'audio_url', audio_url: { url: `audio:${'0'.repeat(64)}` } })],
      hotwords: ['Ada'],
    }),
    chat({
      messages: [user({ type: 'input_audio', input_audio: { data } }, text)],
      grounding: true,
    }),
    post('/v1/audio/classifications', {
      model: 'fake',
      audio: { type: 'input_audio', input_audio: { data } },
      labels: ['a', 'b'],
      top_k: 1,
      threshold: 0.1,
    }),
    post('/v1/audio/classifications', {
      model: 'fake',
      audio: { type: 'file', file: { file_id: fileId } },
      taxonomy: 'digits',
      multi_label: true,
      prompt: 'Which?',
    }),
    post('/v1/checkpoints/compare', {
      model: 'fake',
      messages: hello,
      checkpoints: ['sft', 'dpo'],
      reference: 'sft',
      beta: 0.2,
    }),
    chat({ response_format: { type: 'json_schema', json_schema: { name: 'a', schema, strict: true } } }),
    chat({
      ngram_model: [{ id: ngramModelId, weight: 1 }],
      ngram_weight: 0.5,
      word_bonus: 0.1,
      hotwords: ['x'],
    }),
    post('/v1/audio/rescore', {
      hypotheses: [
        { text: 'hello there', acoustic_logprob: -1 },
        { text: 'how are you', acoustic_logprob: -2 },
      ],
      ngram_model: ngramModelId,
      hotwords: ['hello'],
    }),
    post('/v1/ngram-models', {
      text: 'one two three\ntwo three four\n',
      order: 3,
      prune: [0, 1],
      held_out: 0.2,
    }),
    post('/v1/ngram-models', { text: 'one two\n', smoothing: 'add-k', k: 0.5, tokenization: 'characters' }),
    post('/v1/ngram-models', {
      models: [
        { id: ngramModelId, weight: 1 },
        { id: ngramModelId, weight: 2 },
      ],
    }),
    get('/v1/ngram-models?limit=2&after=ngm_00000000'),
    get(`/v1/ngram-models/${ngramModelId}`),
    { method: 'DELETE', path: '/v1/ngram-models/ngm_00000000' },
    get('/v1/models'),
    get('/v1/models/fake'),
    get('/v1/files?limit=3&after=file-0'),
    get(`/v1/files/${fileId}`),
    get(`/v1/files/${fileId}/content`),
    { method: 'DELETE', path: `/v1/files/file-${'0'.repeat(32)}` },
    post('/v1/uploads', { filename: 'a.wav', bytes: 3, mime_type: 'audio/wav', purpose: 'user_data' }),
    get(`/v1/uploads/${uploadId}`),
    get(`/v1/uploads/${uploadId}/parts`),
    post(`/v1/uploads/${uploadId}/complete`, { part_ids: ['part-0'], sha256: '0'.repeat(64) }),
    { method: 'PUT', path: `/v1/uploads/${uploadId}/content`, json: 'bytes' },
    post('/v1/uploads/upload-0/cancel', {}),
    post('/v1/admin/keys', { tenant: 'acme', name: 'a', scopes: ['chat'], expires_in: 60 }),
    get('/v1/admin/keys'),
    get('/v1/admin/audit'),
    post('/v1/admin/keys/0123456789abcdef/rotate', { overlap: 5 }),
    { method: 'DELETE', path: '/v1/admin/keys/0123456789abcdef' },
    post(beatPath, beat),
    get('/healthz'),
    get('/readyz'),
  ]
}

const printable = fc.string({ maxLength: 12 })
/** Headers that mean something, with values that may not. */
const headers = fc.dictionary(
  fc.constantFrom(
    ...[
      'authorization',
      'content-type',
      'idempotency-key',
      'last-event-id',
      'x-request-id',
      'x-request-timeout',
    ],
    ...[
      'traceparent',
      'tracestate',
      'x-auricle-tenant',
      'origin',
      'accept',
      'content-length',
      signatureHeader,
    ],
  ),
  fc.oneof(printable, fc.constantFrom('', '1', '-1', '1e99', '*', 'application/json; charset=x', 'Bearer x')),
  { maxKeys: 2 },
)

const input = fc.record({
  which: fc.nat(),
  json: fc.array(jsonChange, { maxLength: 3 }),
  bytes: oneIn(12, byteChanges(3)),
  cuts: oneIn(5, cuts),
  path: oneIn(12, fc.record({ at: fraction, text: printable })),
  headers: oneIn(12, headers),
  toWorker: fc.nat(3).map(one => one === 0),
})
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

const unchanged: Input = {
  which: 0,
  json: [],
  bytes: null,
  cuts: null,
  path: null,
  headers: null,
  toWorker: false,
}

test('what is to be broken is right, or names what is not there', async () => {
  for (const base of valid) {
    const response = await servers.edge.fetch(await toRequest(base, unchanged))
    const { error } = response.ok ? { error: null } : await response.json()
    const code = error?.code ?? 'ok'
    expect(`${base.path} ${code}`).toMatch(/ok|_not_found|audio_not_cached|upload_incomplete$/)
  }
})

test('whatever stands in a request, it is answered or refused', async () => {
  await fuzz('json', shares.json, input, async changes => {
    const base = valid[changes.which % valid.length]!
    const request = await toRequest(base, changes)
    await checkAnswer(await serverOf(servers, base.path, changes.toWorker).fetch(request), servers.failures)
  })
  expect(inputsMade('json')).toBe(shares.json)
})

test('every route is among them that takes JSON, or nothing', () => {
  const takesJson = operations.filter(({ request }) => request === undefined || 'application/json' in request)
  const asked = valid.map(({ method, path }) => [method, path.split('?')[0]!] as const)
  const missing = takesJson.filter(({ method, path }) => {
    const pattern = new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`)
    return !asked.some(([verb, at]) => verb === method.toUpperCase() && pattern.test(at))
  })
  expect(missing).toEqual([])
})

async function toRequest(base: Valid, changes: Input): Promise<Request> {
  const { method } = base
  let { path } = base
  if (changes.path !== null) {
    const at = 1 + Math.floor(changes.path.at * (path.length - 1))
    path = path.slice(0, at) + changes.path.text + path.slice(at)
  }
  const sent = new Headers({ 'content-type': 'application/json', authorization: `Bearer ${servers.key}` })
  for (const [name, value] of Object.entries(changes.headers ?? {}))
    sent.set(name, value.replace(/[^ -~]/g, '?'))
  if (base.json === undefined) return new Request(`http://edge${path}`, { method, headers: sent })
  const text = breakJson(base.json, changes.json)
  const whole = new TextEncoder().encode(text)
  const bytes = changes.bytes === null ? whole : breakBytes(whole, changes.bytes)
  if (base.path === beatPath && !sent.has(signatureHeader)) {
    sent.set(
      signatureHeader,
      await signBeat(fleetSecret, bytes, Date.now(), crypto.randomUUID().replaceAll('-', '')),
    )
  }
  const body = changes.cuts === null ? bytes : streamOf(cutAt(bytes, changes.cuts))
  return new Request(`http://edge${path}`, {
    method,
    headers: sent,
    body,
    duplex: 'half',
  } as RequestInit)
}
