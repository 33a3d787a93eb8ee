import { afterAll, describe, expect, test } from 'vitest'
import { seededRandom } from '../sampling/random.ts'
import { tinyTokenizer } from '../text/tiny-tokenizer.ts'
import { GrammarCompiler } from './compiler.ts'
import type { Grammar } from './grammar.ts'
import { vocabularyOf } from './vocabulary.ts'

const tokenizer = tinyTokenizer(
  [
    ['{', '"'],
    ['"', ':'],
    ['t', 'r'],
    ['tr', 'u'],
  ],
  ['<end>', '<other>'],
)
const END = tokenizer.size - 2
const vocabulary = await vocabularyOf(tokenizer, [END])
const compiler = new GrammarCompiler(vocabulary, { maxHeld: 1000 })
afterAll(() => compiler.close())

const compile = (schema: unknown) => compiler.compile(JSON.stringify(schema))

function allowed(mask: Uint32Array): number[] {
  return Array.from({ length: tokenizer.size }, (_, id) => id).filter(
    id => (mask[id >>> 5]! >>> (id & 31)) & 1,
  )
}

/** A random walk through the grammar; null when it didn't end within `maxTokens`. */
function walk(grammar: Pick<Grammar, 'start'>, seed: number, maxTokens = 2000): string | null {
  const random = seededRandom(seed)
  const constraint = grammar.start()
  const ids: number[] = []
  try {
    while (ids.length < maxTokens) {
      const choices = allowed(constraint.mask())
      const id = choices[Math.floor(random() * choices.length)]!
      constraint.accept(id)
      if (id === END) return tokenizer.decode(ids)
      ids.push(id)
    }
    return null
  } finally {
    constraint.release()
  }
}

describe('a grammar', () => {
  test('allows what the schema allows, token by token, and the end only at the end', async () => {
    const constraint = (await compile({ enum: [true, 'a'] })).start()
    const ids = (...pieces: string[]) =>
      pieces.flatMap(piece => tokenizer.pieces.get(piece)!).sort((a, b) => a - b)
    expect(allowed(constraint.mask())).toEqual(ids('"', 't', 'tr', 'tru'))
    constraint.accept(tokenizer.pieces.get('tr')!)
    expect(allowed(constraint.mask())).toEqual(ids('u'))
    constraint.accept(tokenizer.pieces.get('u')!)
    constraint.accept(tokenizer.pieces.get('e')!)
    expect(allowed(constraint.mask())).toEqual([END])
  })

  test('serves any number of answers, none of which minds the others', async () => {
    const grammar = await compile({ type: 'array', items: { type: 'integer', maximum: 99, minimum: 0 } })
    const alone = walk(grammar, 1)
    const other = grammar.start()
    other.accept(tokenizer.pieces.get('[')!)
    expect(walk(grammar, 1)).toBe(alone)
    expect(allowed(other.mask())).toContain(tokenizer.pieces.get(']')!)
    other.release()
  })

  test('writes whole characters of any script', async () => {
    const grammar = await compile({ type: 'string', minLength: 1, maxLength: 3 })
    for (let seed = 0; seed < 200; seed++) {
      const value = JSON.parse(walk(grammar, seed)!) as string
      expect(value).not.toContain('\ufffd')
      expect([...value].length).toBeLessThanOrEqual(3)
    }
  })
})

describe('the compiler', () => {
  test('keeps what was used last, and compiles the rest again', async () => {
    const small = new GrammarCompiler(vocabulary, { maxKept: 2 })
    const compileOnce = async (value: number) => {
      using held = await small.compile(`{"const":${value}}`)
      return held.grammar
    }
    const [a, b] = [await compileOnce(1), await compileOnce(2)]
    expect(await compileOnce(1)).toBe(a)
    await compileOnce(3)
    expect(await compileOnce(1)).toBe(a)
    expect(await compileOnce(2)).not.toBe(b)
    await small.close()
  })

  test('keeps what is in use, and refuses more than may be', async () => {
    const small = new GrammarCompiler(vocabulary, { maxKept: 1, maxHeld: 2 })
    const [first, again] = [await small.compile('{"const":1}'), await small.compile('{"const":1}')]
    const second = await small.compile('{"const":2}')
    const refused = small.compile('{"const":3}')
    await expect(refused).rejects.toMatchObject({ code: 'overloaded', retryAfterSeconds: 1 })
    first[Symbol.dispose]()
    first[Symbol.dispose]()
    // Somebody else has it still.
    await expect(small.compile('{"const":3}')).rejects.toMatchObject({ code: 'overloaded' })
    expect((await small.compile('{"const":2}')).grammar).toBe(second.grammar)
    again[Symbol.dispose]()
    expect(walk(await small.compile('{"const":3}'), 1)).toBe('3')
    await small.close()
  })

  test('compiles one schema once for all who ask at once', async () => {
    const [a, b] = await Promise.all([compile({ const: 'once' }), compile({ const: 'once' })])
    expect(a.grammar).toBe(b.grammar)
  })

  test('refuses more than may wait', async () => {
    const narrow = new GrammarCompiler(vocabulary, { maxWaiting: 1 })
    const first = narrow.compile('{"const":1}')
    await expect(narrow.compile('{"const":2}')).rejects.toMatchObject({ code: 'overloaded' })
    await first
    await narrow.close()
  })

  test.each<[string, object, string]>([
    ['a broken pattern', { properties: { a: { items: { pattern: '(a' } } } }, 'properties.a.items'],
    ['look-around', { anyOf: [{ type: 'null' }, { type: 'string', pattern: 'a(?=b)' }] }, 'anyOf[1]'],
    ['a type that is none', { $defs: { a: { type: 'text' } }, items: { $ref: '#/$defs/a' } }, '$defs.a'],
    [
      'alternatives that may both hold',
      { oneOf: [{ type: 'string' }, { type: 'string', maxLength: 3 }] },
      '',
    ],
    [
      'what nothing satisfies',
      { type: 'object', properties: { a: { type: 'string', const: 1 } }, required: ['a'] },
      'properties.a',
    ],
    ['what has no end', { $ref: '#' }, ''],
  ])('says which part of a schema is at fault: %s', async (_, schema, path) => {
    const root = 'response_format.json_schema.schema'
    const param = path === '' ? root : `${root}.${path}`.replace('.[', '[')
    await expect(compile(schema)).rejects.toMatchObject({ code: 'json_schema_unsupported', param })
  })
})

describe('hostile schemas', () => {
  const alternatives = (count: number, property: string) => ({
    anyOf: Array.from({ length: count }, (_, value) => ({
      type: 'object',
      properties: { [property]: { const: value } },
      required: [property],
    })),
  })
  const cases: [string, object][] = [
    ['a state for each remainder', { type: 'integer', multipleOf: 999_983 }],
    ['alternatives that multiply', { allOf: Array.from({ length: 10 }, (_, i) => alternatives(4, `p${i}`)) }],
    [
      'alternatives that multiply, just too often',
      { allOf: Array.from({ length: 6 }, (_, i) => alternatives(4, `p${i}`)) },
    ],
  ]
  test.each(cases)(
    '%s: refused, and the next one is served',
    async (_, schema) => {
      await expect(compile(schema)).rejects.toMatchObject({ code: 'json_schema_unsupported', status: 400 })
      expect(walk(await compile({ const: _ }), 1)).toBe(JSON.stringify(_))
    },
    60_000,
  )

  test('one that takes too long loses its thread, and nobody else theirs', async () => {
    const hasty = new GrammarCompiler(vocabulary, { timeoutMs: 0 })
    await expect(hasty.compile('{"const":1}')).rejects.toMatchObject({ code: 'json_schema_unsupported' })
    await hasty.close()
  })

  test('one that compiles and then takes too much work ends its answer with a typed error', async () => {
    const grammar = await compile({ type: 'string', pattern: '^(.*a.{0,400}){3}$' })
    let error: unknown = null
    for (let seed = 0; seed < 20 && error === null; seed++) {
      try {
        walk(grammar, seed)
      } catch (thrown) {
        error = thrown
      }
    }
    // Taken within the bounds, or refused by type; never anything else.
    if (error !== null) expect(error).toMatchObject({ code: 'json_schema_unsupported' })
    expect(walk(await compile({ const: 'after' }), 1)).toBe('"after"')
  })
})
