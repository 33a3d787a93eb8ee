// Random schemas, random models: every finished answer satisfies its schema, by a validator that nobody here wrote.
import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, expect, test } from 'vitest'
import * as z from 'zod'
import { checkJsonSchema, type JsonSchema } from '../../src/protocol/json-schema.ts'
import { GREEDY } from '../sampling/options.ts'
import { seededRandom } from '../sampling/random.ts'
import { Sampler, SamplingState } from '../sampling/sampler.ts'
import { tinyTokenizer } from '../text/tiny-tokenizer.ts'
import { GrammarCompiler } from './compiler.ts'
import { vocabularyOf } from './vocabulary.ts'

const tokenizer = tinyTokenizer(
  [
    ['{', '"'],
    ['"', ':'],
    ['"', ','],
    ['"', '}'],
    ['t', 'r'],
    ['1', '2'],
    [']', ','],
    ['}', '}'],
    ['Ã', '©'],
  ],
  ['<end>', '<other>'],
)
const END = tokenizer.size - 2
const compiler = new GrammarCompiler(await vocabularyOf(tokenizer, [END]), { maxKept: 1 })
afterAll(() => compiler.close())

// 1e999 is JSON, and Infinity once parsed.
const ajv = new Ajv2020({
  strict: false,
  strictNumbers: false,
  formats: {
    uuid: text => z.guid().safeParse(text).success,
    ipv4: text => z.ipv4().safeParse(text).success,
  },
})

const count = (max: number) => fc.integer({ min: 0, max })
const name = fc.constantFrom('a', 'b', 'name', 'type', 'properties', '$ref', 'x y', 'é', '"', '\\', '')
const literal = fc.oneof(
  fc.constantFrom(null, true, false, '', 'a', 'né', '"\\\n', '\u0001', '日本', '😀', {}, [], {
    a: [1, null],
  }),
  fc.integer({ min: -9999, max: 9999 }),
)

const { schema: schemas } = fc.letrec<{ schema: JsonSchema; object: JsonSchema }>(tie => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<JsonSchema>(
      { type: 'boolean' },
      { type: 'null' },
      { type: 'string' },
      { type: ['null', 'integer'] },
    ),
    fc.record({ enum: fc.array(literal, { minLength: 1, maxLength: 4 }) }),
    fc.record({ const: literal }),
    fc.tuple(fc.integer({ min: -500, max: 500 }), count(900)).map(([minimum, width]) => ({
      type: 'integer',
      minimum,
      maximum: minimum + width,
    })),
    fc
      .integer({ min: -50, max: 50 })
      .map(bound => ({ type: 'number', exclusiveMinimum: bound, maximum: bound + 3 })),
    fc
      .constantFrom(2, 3, 7, 10)
      .map(multipleOf => ({ type: 'integer', multipleOf, minimum: -100, maximum: 100 })),
    fc.tuple(count(3), count(4)).map(([minLength, more]) => ({
      type: 'string',
      minLength,
      maxLength: minLength + more,
    })),
    fc
      .constantFrom('^[a-z]{1,3}$', 'a', '^(x|yy)+-?\\d{2}$', '^\\w* \\w*$')
      .map(pattern => ({ type: 'string', pattern })),
    fc.constantFrom('uuid', 'ipv4').map(format => ({ type: 'string', format })),
    fc.tuple(tie('schema'), count(2), count(3)).map(([items, minItems, more]) => ({
      type: 'array',
      items,
      minItems,
      maxItems: minItems + more,
    })),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map(prefixItems => ({
      type: 'array',
      prefixItems,
      items: false,
      minItems: prefixItems.length,
    })),
    tie('object'),
    fc.array(tie('schema'), { minLength: 1, maxLength: 3 }).map(anyOf => ({ anyOf })),
    fc.tuple(tie('object'), tie('object')).map(allOf => ({ allOf })),
  ),
  object: fc
    .tuple(
      fc.dictionary(name, tie('schema'), { maxKeys: 4 }),
      fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
      fc.boolean(),
    )
    .map(([properties, choices, isOpen]) => ({
      type: 'object',
      properties,
      required: Object.keys(properties).filter((_, index) => choices[index]),
      ...(isOpen ? { maxProperties: Object.keys(properties).length + 1 } : { additionalProperties: false }),
    })),
}))

/** What a model that knows nothing of JSON answers, the end ever more to its liking; null where it was cut. */
async function answer(schema: JsonSchema, seed: number): Promise<string | null> {
  using grammar = await compiler.compile(JSON.stringify(schema))
  const constraint = grammar.start()
  const random = seededRandom(seed)
  const state = new SamplingState({ ...GREEDY, temperature: 1, seed }, [], constraint)
  const sampler = new Sampler(tokenizer.size)
  const closing = [...'"]},:'].map(character => tokenizer.pieces.get(character)!)
  const ids: number[] = []
  try {
    while (ids.length < 600) {
      const logits = Float32Array.from({ length: tokenizer.size }, () => 4 * random())
      for (const id of [END, ...closing]) logits[id]! += ids.length / 10
      const { id } = sampler.sample(logits, state)
      if (id === END) return tokenizer.decode(ids)
      ids.push(id)
    }
    return null
  } finally {
    constraint.release()
  }
}

test('every finished answer satisfies its schema', async () => {
  let finished = 0
  let refused = 0
  await fc.assert(
    fc.asyncProperty(schemas, fc.integer(), async (schema, seed) => {
      checkJsonSchema(schema, [])
      const text = await answer(schema, seed).catch((error: { code?: string; message: string }) => {
        // Two objects that contradict each other, or an enum of a type that isn't asked for.
        if (error.code !== 'json_schema_unsupported') throw error
        refused++
        return null
      })
      if (text === null) return
      finished++
      const value: unknown = JSON.parse(text)
      expect(ajv.validate(schema, value), `${text} ${JSON.stringify(schema)} ${ajv.errorsText()}`).toBe(true)
    }),
    { numRuns: 150 },
  )
  expect(finished).toBeGreaterThan(90)
  expect(refused).toBeLessThan(45)
}, 120_000)
