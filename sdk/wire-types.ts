/**
 * The types of src/wire.ts, written out: from the components of the OpenAPI document to TypeScript. A type test
 * (package.test.ts) holds them equal to what is inferred from the schemas.
 */
import { errorCatalogue } from '../src/protocol/errors.ts'
import { buildDocument, type DocumentSchema } from '../src/routes/openapi.ts'
import { operations } from '../src/routes/operations.ts'

/** A module of types: one a component, and the codes of errors. */
export function writeWireTypes(): string {
  const { schemas } = buildDocument(operations)['components'] as { schemas: Record<string, DocumentSchema> }
  const types = Object.entries(schemas).map(([name, schema]) => `export type ${name} = ${typeOf(schema)}\n`)
  const codes = Object.keys(errorCatalogue).map(code => JSON.stringify(code))
  return [...types, `export type ErrorCode = ${codes.join(' | ')}\n`].join('\n')
}

/** @throws Error for what it doesn't know: better no package than a wrong type */
function typeOf(schema: DocumentSchema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1)!
  if ('const' in schema) return JSON.stringify(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(value => JSON.stringify(value)).join(' | ')
  const union = schema.anyOf ?? schema.oneOf
  if (union !== undefined) return `(${[...new Set(union.map(typeOf))].join(' | ')})`
  if (schema.not !== undefined) return 'never'
  if (Array.isArray(schema.type)) {
    return `(${schema.type.map(type => typeOf({ ...schema, type })).join(' | ')})`
  }
  if (schema.format === 'binary') return 'File'
  switch (schema.type) {
    case undefined:
      return 'unknown'
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'number':
    case 'integer':
      return 'number'
    case 'array':
      return arrayOf(schema)
    case 'object':
      return objectOf(schema)
    default:
      throw new Error(`no type for ${JSON.stringify(schema)}`)
  }
}

function arrayOf({ prefixItems, items }: DocumentSchema): string {
  if (prefixItems !== undefined) return `[${prefixItems.map(typeOf).join(', ')}]`
  return `Array<${typeOf(items ?? {})}>`
}

function objectOf({ properties, required = [], additionalProperties }: DocumentSchema): string {
  if (properties === undefined) return `Record<string, ${typeOf(additionalProperties || {})}>`
  const fields = Object.entries(properties).map(([name, schema]) => {
    const comment =
      schema.description === undefined ? '' : `/** ${schema.description.replaceAll('*/', '*\\/')} */\n`
    // A field that may be left out may be undefined as well: as zod's optional has it.
    const [mark, more] = required.includes(name) ? ['', ''] : ['?', ' | undefined']
    return `${comment}${JSON.stringify(name)}${mark}: ${typeOf(schema)}${more}`
  })
  return `{\n${fields.join('\n')}\n}`
}
