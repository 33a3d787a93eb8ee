// Every route that takes a form: valid forms with other fields, other files, other bytes, cut anywhere.
import fc from 'fast-check'
import { beforeAll, expect, test } from 'vitest'
import { operations } from '../../src/routes/operations.ts'
import { breakBytes, byteChanges, cutAt, cuts, streamOf } from './break-bytes.ts'
import { fuzz, inputsMade, oneIn, shares } from './inputs.ts'
import { checkAnswer, type Servers, serverOf, startServers } from './servers.ts'

type Field = [name: string, value: string | Uint8Array]
interface Valid {
  path: string
  fields: Field[]
}

const boundary = 'boundary'
let servers: Servers
let valid: Valid[]
beforeAll(async () => {
  servers = await startServers()
  valid = validForms(servers)
})

function validForms({ wav, fileId, ngramModelId, uploadId }: Servers): Valid[] {
  const hears: Field = ['model', 'hears']
  const file: Field = ['file', wav]
  const form = (path: string, ...fields: Field[]): Valid => ({ path, fields })
  const transcribe = (...fields: Field[]) => form('/v1/audio/transcriptions', ...fields)
  const fake: Field = ['model', 'fake']
  return [
    form('/v1/audio/classifications', file, fake, ['labels[]', 'a'], ['labels[]', 'b'], ['top_k', '1']),
    form(
      '/v1/audio/classifications',
      ['file_id', fileId],
      fake,
      ['taxonomy', 'digits'],
      ['multi_label', 'true'],
    ),
    transcribe(file, hears),
    transcribe(
      hears,
      ['response_format', 'verbose_json'],
      ['timestamp_granularities[]', 'word'],
      ['timestamp_granularities[]', 'segment'],
      ['n_best', '3'],
      file,
    ),
    transcribe(file, hears, ['stream', 'true'], ['include[]', 'logprobs'], ['language', 'en']),
    transcribe(['file_id', fileId], hears, ['response_format', 'srt'], ['prompt', 'Dr. Who']),
    transcribe(
      file,
      hears,
      ['chunking_strategy[type]', 'server_vad'],
      ['chunking_strategy[threshold]', '0.4'],
      ['hotwords', 'Ada'],
      ['ngram_model', `[{"id":"${ngramModelId}","weight":1}]`],
      ['ngram_weight', '0.3'],
    ),
    transcribe(file, ['model', 'fake'], ['temperature', '0.2'], ['stream', 'true']),
    form('/v1/audio/translations', file, ['model', 'fake']),
    form('/v1/audio/translations', ['file_id', fileId], ['model', 'fake']),
    form(
      '/v1/files',
      ['purpose', 'user_data'],
      ['expires_after[anchor]', 'created_at'],
      ['expires_after[seconds]', '3600'],
      file,
    ),
    form(`/v1/uploads/${uploadId}/parts`, ['data', wav.subarray(0, 10)]),
    form(
      '/v1/ngram-models',
      ['file', bytesOf('one two three\ntwo three four\n')],
      ['order', '3'],
      ['prune[]', '0'],
      ['prune[]', '1'],
    ),
    form(
      '/v1/ngram-models',
      ['file', bytesOf('\\data\\\nngram 1=1\n\n\\1-grams:\n-1\t<unk>\n\n\\end\\\n')],
      ['format', 'arpa'],
    ),
  ]
}

/** One way to change a form. */
type FieldChange =
  | { kind: 'rename'; at: number; name: string }
  | { kind: 'replace'; at: number; value: string | Uint8Array }
  | { kind: 'remove' | 'repeat' | 'first'; at: number }
  | { kind: 'add'; name: string; value: string | Uint8Array }

const name = fc.oneof(
  fc.constantFrom(
    'file',
    'model',
    'stream',
    'prompt',
    'n_best',
    'a[b]',
    'a[]',
    '[]',
    '',
    '__proto__',
    'x[__proto__]',
  ),
  fc.constantFrom(
    'hotwords[0]',
    'chunking_strategy',
    'include',
    'file_id',
    'x'.repeat(300),
    'a"b',
    'a\r\nb: c',
  ),
  fc.string({ maxLength: 10 }),
)
const value = fc.oneof(
  fc.constantFrom(
    '',
    '0',
    '-1',
    '1e999',
    'true',
    'null',
    '[',
    '{"',
    '[{}]',
    '\0',
    '🙂',
    'x'.repeat(3000),
    '../..',
  ),
  fc.string({ unit: 'binary', maxLength: 30 }),
  fc.uint8Array({ maxLength: 200 }),
)
const at = fc.nat(20)
const fieldChange: fc.Arbitrary<FieldChange> = fc.oneof(
  fc.record({ kind: fc.constant('rename' as const), at, name }),
  fc.record({ kind: fc.constant('replace' as const), at, value }),
  fc.record({ kind: fc.constantFrom('remove' as const, 'repeat' as const, 'first' as const), at }),
  fc.record({ kind: fc.constant('add' as const), name, value }),
)

const input = fc.record({
  which: fc.nat(),
  fields: fc.array(fieldChange, { maxLength: 3 }),
  bytes: oneIn(6, byteChanges(4)),
  cuts: oneIn(5, cuts),
  type: oneIn(
    25,
    fc.oneof(
      fc.constantFrom(
        '',
        'multipart/form-data',
        'multipart/form-data; boundary=',
        'multipart/form-data; boundary="b',
        'text/plain',
      ),
      fc
        .string({ maxLength: 80 })
        .map(text => `multipart/form-data; boundary=${text.replace(/[^ -~]/g, '?')}`),
    ),
  ),
  toWorker: fc.nat(3).map(one => one === 0),
})
type Input = typeof input extends fc.Arbitrary<infer T> ? T : never

const unchanged: Input = { which: 0, fields: [], bytes: null, cuts: null, type: null, toWorker: false }

test('what is to be broken is right', async () => {
  for (const form of valid) {
    const response = await servers.edge.fetch(toRequest(form, unchanged))
    expect([form.path, response.ok ? '' : await response.text()]).toEqual([form.path, ''])
  }
})

test('whatever a form holds, it is answered or refused', async () => {
  await fuzz('multipart', shares.multipart, input, async changes => {
    const { path, fields } = valid[changes.which % valid.length]!
    const request = toRequest({ path, fields }, changes)
    await checkAnswer(await serverOf(servers, path, changes.toWorker).fetch(request), servers.failures)
  })
  expect(inputsMade('multipart')).toBe(shares.multipart)
})

test('every route is among them that takes a form', () => {
  const takesForms = operations.filter(({ request }) => request && 'multipart/form-data' in request)
  const missing = takesForms.filter(({ path }) => {
    const pattern = new RegExp(`^${path.replace(/:\w+/g, '[^/]+')}$`)
    return !valid.some(form => pattern.test(form.path))
  })
  expect(missing.map(({ path }) => path)).toEqual([])
})

function toRequest({ path, fields }: Valid, changes: Input): Request {
  const whole = encode(changes.fields.reduce(changed, fields))
  const bytes = changes.bytes === null ? whole : breakBytes(whole, changes.bytes)
  const body = changes.cuts === null ? bytes : streamOf(cutAt(bytes, changes.cuts))
  const headers = {
    'content-type': changes.type ?? `multipart/form-data; boundary=${boundary}`,
    authorization: `Bearer ${servers.key}`,
  }
  return new Request(`http://edge${path}`, {
    method: 'POST',
    headers,
    body,
    duplex: 'half',
  } as RequestInit)
}

function changed(fields: readonly Field[], change: FieldChange): Field[] {
  if (change.kind === 'add') return [...fields, [change.name, change.value]]
  if (fields.length === 0) return []
  const index = change.at % fields.length
  const field = fields[index]!
  const others = fields.toSpliced(index, 1)
  switch (change.kind) {
    case 'rename':
      return fields.with(index, [change.name, field[1]])
    case 'replace':
      return fields.with(index, [field[0], change.value])
    case 'remove':
      return others
    case 'repeat':
      return [...fields, field]
    case 'first':
      return [field, ...others]
  }
}

/** By hand: what FormData would escape goes out as it is. */
function encode(fields: readonly Field[]): Uint8Array<ArrayBuffer> {
  const pieces = fields.flatMap(([name, value]) => {
    const filename = typeof value === 'string' ? '' : '; filename="a.wav"'
    const head = `--${boundary}\r\ncontent-disposition: form-data; name="${name}"${filename}\r\n\r\n`
    return [bytesOf(head), typeof value === 'string' ? bytesOf(value) : value, bytesOf('\r\n')]
  })
  return new Uint8Array(Buffer.concat([...pieces, bytesOf(`--${boundary}--\r\n`)]))
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text)
}
