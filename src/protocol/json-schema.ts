/**
 * Which JSON schemas an answer can be held to (draft 2020-12 and what older drafts share with it). Checked before
 * anything is compiled: what isn't supported is refused by its keyword and its path.
 */
import { ApiError } from './errors.ts'
import { maxSchemaCharacters, maxSchemaDepth, maxSchemaValues } from './limits.ts'
import { formatPath, nearestName, shorten } from './validation.ts'

/** A JSON schema, checked or not. */
export type JsonSchema = { readonly [keyword: string]: unknown }

type Path = readonly PropertyKey[]

/** Keywords whose value is a schema, a list of schemas, or a record of schemas by name. */
const ONE_SCHEMA = new Set(['items', 'additionalItems', 'additionalProperties'])
const LIST_OF_SCHEMAS = new Set(['anyOf', 'oneOf', 'allOf', 'prefixItems', 'items'])
const RECORD_OF_SCHEMAS = new Set(['properties', 'patternProperties', '$defs', 'definitions'])

/** Keywords that restrict a value by themselves. */
const RESTRICTIONS = [
  ...['type', 'enum', 'const', '$ref', 'required', 'minProperties', 'maxProperties', 'minItems', 'maxItems'],
  ...['minLength', 'maxLength', 'pattern', 'format', 'multipleOf'],
  ...['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'],
]
/** Keywords that say something about a schema and restrict nothing. */
const ANNOTATIONS = [
  ...['$schema', '$id', 'id', '$anchor', '$comment', 'title', 'description', 'default', 'examples'],
  ...['readOnly', 'writeOnly', 'contentMediaType', 'contentEncoding'],
]
const KEYWORDS = new Set([
  ...ONE_SCHEMA,
  ...LIST_OF_SCHEMAS,
  ...RECORD_OF_SCHEMAS,
  ...RESTRICTIONS,
  ...ANNOTATIONS,
])

/** Values of `format` that an answer is held to. */
const FORMATS = new Set([
  ...['date-time', 'date', 'time', 'duration', 'email', 'hostname', 'ipv4', 'ipv6', 'uuid', 'uri'],
])

/**
 * Checks a schema.
 * @param path where in the request it stands
 * @throws ApiError `json_schema_unsupported`, which names the keyword and the path
 */
export function checkJsonSchema(schema: unknown, path: Path): void {
  checkSize(schema, path)
  const visit = (value: unknown, at: Path): void => {
    if (typeof value === 'boolean') return
    if (!isObject(value)) throw unsupported(at, 'a schema is an object, or true or false')
    for (const keyword of Object.keys(value)) {
      if (!KEYWORDS.has(keyword)) throw unknownKeyword(keyword, at)
    }
    checkFormat(value['format'], at)
    checkReference(value['$ref'], schema, at)
    for (const [step, subschema] of subschemasOf(value)) visit(subschema, [...at, ...step])
  }
  visit(schema, path)
}

/** The schemas right below one, each with its path from there. */
export function* subschemasOf(schema: JsonSchema): Generator<[path: Path, schema: unknown]> {
  for (const [keyword, value] of Object.entries(schema)) {
    if (LIST_OF_SCHEMAS.has(keyword) && Array.isArray(value)) {
      for (const [index, item] of value.entries()) yield [[keyword, index], item]
    } else if (ONE_SCHEMA.has(keyword)) {
      yield [[keyword], value]
    } else if (RECORD_OF_SCHEMAS.has(keyword) && isObject(value)) {
      for (const [name, item] of Object.entries(value)) yield [[keyword, name], item]
    }
  }
}

/** The error about one place in a schema. */
export function unsupported(path: Path, reason: string): ApiError {
  const param = formatPath(path.map(step => (typeof step === 'string' ? shorten(step) : step)))
  return new ApiError('json_schema_unsupported', { message: `Unsupported ${param}: ${reason}.`, param })
}

function unknownKeyword(keyword: string, path: Path): ApiError {
  const byLowerCase = new Map(Array.from(KEYWORDS, known => [known.toLowerCase(), known]))
  const nearest = byLowerCase.get(nearestName(keyword.toLowerCase(), [...byLowerCase.keys()]) ?? '')
  const hint = nearest === undefined ? '' : `; did you mean '${nearest}'?`
  return unsupported(
    [...path, keyword],
    `the keyword '${shorten(keyword)}' can't be enforced while an answer is written${hint}`,
  )
}

function checkFormat(format: unknown, path: Path): void {
  if (format === undefined || (typeof format === 'string' && FORMATS.has(format))) return
  throw unsupported([...path, 'format'], `use one of ${[...FORMATS].join(', ')}, or 'pattern'`)
}

function checkReference(reference: unknown, root: unknown, path: Path): void {
  if (reference === undefined || reference === '#') return
  const at = [...path, '$ref']
  if (typeof reference !== 'string' || !reference.startsWith('#/')) {
    throw unsupported(at, "only references within the schema, as '#/$defs/name', are followed")
  }
  let target = root
  for (const step of reference.slice(2).split('/')) {
    const known = typeof target === 'object' && target !== null && Object.hasOwn(target, step)
    if (!known) throw unsupported(at, `there is no '${shorten(reference)}' in the schema`)
    target = (target as JsonSchema)[step]
  }
}

/** Counts with a list of its own instead of the call stack: a schema may be nested as deep as its sender likes. */
function checkSize(schema: unknown, path: Path): void {
  const pending: [value: unknown, depth: number][] = [[schema, 1]]
  let values = 0
  let characters = 0
  for (let next = pending.pop(); next !== undefined; next = pending.pop()) {
    const [value, depth] = next
    values++
    if (typeof value === 'string') characters += value.length
    if (typeof value === 'object' && value !== null) {
      if (depth > maxSchemaDepth) throw unsupported(path, `it is nested deeper than ${maxSchemaDepth} levels`)
      for (const [name, item] of Object.entries(value)) {
        if (!Array.isArray(value)) characters += name.length
        pending.push([item, depth + 1])
      }
    }
    if (values + pending.length > maxSchemaValues) {
      throw unsupported(path, `it holds more than ${maxSchemaValues} values`)
    }
    if (characters > maxSchemaCharacters) {
      throw unsupported(path, `it holds more than ${maxSchemaCharacters} characters`)
    }
  }
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
