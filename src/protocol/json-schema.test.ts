import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ApiError } from './errors.ts'
import { checkJsonSchema } from './json-schema.ts'
import { maxSchemaDepth, maxSchemaValues } from './limits.ts'

const refusal = (schema: unknown): ApiError => {
  try {
    checkJsonSchema(schema, ['schema'])
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
  throw new Error('It was taken.')
}

const nested = (levels: number): object => (levels === 0 ? {} : { items: nested(levels - 1) })

test('takes what answers can be held to', () => {
  const schema = {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    type: 'object',
    properties: {
      tree: { $ref: '#/$defs/tree' },
      when: { type: 'string', format: 'date-time', description: 'A time.' },
      // A property may have the name of a keyword that isn't supported.
      not: { anyOf: [{ const: 1 }, { type: 'array', prefixItems: [true], items: false }] },
    },
    required: ['tree'],
    additionalProperties: false,
    $defs: { tree: { type: ['object', 'null'], properties: { left: { $ref: '#/$defs/tree' } } } },
  }
  expect(() => checkJsonSchema(schema, ['schema'])).not.toThrow()
})

describe('names the keyword and the path', () => {
  test.each<[object, string, string]>([
    [{ not: {} }, 'schema.not', "'not'"],
    [{ properties: { a: { items: { uniqueItems: true } } } }, 'schema.properties.a.items.uniqueItems', ''],
    [{ anyOf: [{}, { if: {} }] }, 'schema.anyOf[1].if', "'if'"],
    [{ $defs: { x: { maxLenght: 3 } } }, 'schema.$defs.x.maxLenght', "'maxLength'"],
    [{ type: 'string', format: 'color' }, 'schema.format', 'date-time'],
    [{ properties: { a: 3 } }, 'schema.properties.a', 'object'],
    [{ $ref: '#/$defs/a' }, 'schema.$ref', '#/$defs/a'],
    [{ $ref: 'https://example.org/a.json' }, 'schema.$ref', 'within the schema'],
    [{ items: [{}, { contains: {} }] }, 'schema.items[1].contains', "'contains'"],
  ])('%j', (schema, path, words) => {
    const error = refusal(schema)
    expect(error).toMatchObject({ code: 'json_schema_unsupported', param: path, status: 400 })
    expect(error.message).toContain(words)
  })
})

describe('limits', () => {
  test('depth, however deep', () => {
    expect(() => checkJsonSchema(nested(maxSchemaDepth - 1), [])).not.toThrow()
    expect(refusal(nested(maxSchemaDepth)).message).toContain(`${maxSchemaDepth} levels`)
    let bottomless: object = {}
    for (let level = 0; level < 200_000; level++) bottomless = { const: [bottomless] }
    expect(refusal(bottomless).message).toContain('levels')
  })

  test('values and characters', () => {
    expect(refusal({ enum: new Array(maxSchemaValues).fill(0) }).message).toContain('values')
    expect(refusal({ const: 'x'.repeat(200_000) }).message).toContain('characters')
    expect(refusal({ properties: { ['x'.repeat(200_000)]: {} } }).message).toContain('characters')
  })
})

test('any JSON is taken or refused with a typed error', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), schema => {
      try {
        checkJsonSchema(schema, [])
      } catch (error) {
        expect(error).toBeInstanceOf(ApiError)
      }
    }),
  )
})
