/** `GET /openapi.json`: OpenAPI 3.1, made from the operations and from the schemas that check the requests. */
import type { Handler } from 'hono'
import * as z from 'zod'
import { ErrorBody, errorCatalogue } from '../protocol/errors.ts'
import { type Bodies, type Body, type Operation, operations } from './operations.ts'

type JsonObject = Record<string, unknown>
type JsonSchema = z.core.JSONSchema.BaseSchema

/** A schema of the document, as far as it uses JSON Schema. */
export interface DocumentSchema {
  $ref?: string
  const?: unknown
  enum?: unknown[]
  anyOf?: DocumentSchema[]
  oneOf?: DocumentSchema[]
  not?: object
  type?: string | string[]
  format?: string
  properties?: Record<string, DocumentSchema>
  required?: string[]
  additionalProperties?: DocumentSchema | false
  items?: DocumentSchema
  prefixItems?: DocumentSchema[]
  maxItems?: number
  description?: string
  [limit: string]: unknown
}

/** The document; made once, when it is first asked for. */
let document: JsonObject | undefined

/** Serves it. */
export const openApi: Handler = context => {
  document ??= buildDocument(operations)
  return context.json(document)
}

/** The document of some operations. @throws Error when two schemas have one name, or one cannot be told in JSON Schema */
export function buildDocument(all: readonly Operation[]): JsonObject {
  const names = new Set<string>()
  const requests = new Components('input', names)
  const responses = new Components('output', names)
  const error = responses.content({ 'application/json': { ErrorBody } })
  const paths: Record<string, JsonObject> = {}
  for (const operation of all) {
    const path = operation.path.replace(/:(\w+)/g, '{$1}')
    paths[path] ??= {}
    paths[path][operation.method] = {
      operationId: operation.operationId,
      summary: operation.summary,
      ...(operation.description && { description: operation.description }),
      ...parametersOf(operation),
      ...(operation.request && {
        requestBody: { required: true, content: requests.content(operation.request, operation.parameters) },
      }),
      responses: {
        ...errorReferences,
        ...Object.fromEntries(
          Object.entries(operation.responses).map(([status, { description, bodies }]) => [
            status,
            { description, content: mergeContent(responses.content(bodies), Number(status), error) },
          ]),
        ),
      },
    }
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'Auricle',
      version: '1',
      description: 'Ask questions about audio, over the wire format of OpenAI.',
      license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    },
    servers: [{ url: '/' }],
    // A server without keys, which only its own machine can reach, asks for none.
    security: [{ key: [] }, {}],
    paths,
    components: {
      securitySchemes: { key: { type: 'http', scheme: 'bearer' } },
      schemas: { ...requests.schemas(), ...responses.schemas() },
      responses: Object.fromEntries(
        [...errorsByStatus].map(([status, entries]) => [
          `Error${status}`,
          { description: entries.map(describeError).join('\n'), content: error },
        ]),
      ),
    },
  }
}

/** Schemas with names, which refer to each other by them. */
class Components {
  readonly #registry = z.registry<{ id: string }>()
  readonly #io: 'input' | 'output'
  readonly #names: Set<string>
  readonly #descriptions = new Map<string, Operation['parameters']>()

  /** @param names those that are taken */
  constructor(io: 'input' | 'output', names: Set<string>) {
    this.#io = io
    this.#names = names
  }

  /** OpenAPI's content object. */
  content(bodies: Bodies, parameters?: Operation['parameters']): JsonObject {
    return Object.fromEntries(
      Object.entries(bodies).map(([type, body]) => [
        type,
        body === null ? {} : { schema: this.#schema(body, parameters) },
      ]),
    )
  }

  schemas(): Record<string, JsonObject> {
    const { schemas } = z.toJSONSchema(this.#registry, {
      io: this.#io,
      uri: id => `#/components/schemas/${id}`,
    })
    return Object.fromEntries(
      Object.entries(schemas).map(([name, schema]) => [
        name,
        describeProperties(withoutIds(schema), this.#descriptions.get(name)),
      ]),
    )
  }

  #schema(body: Exclude<Body, null>, parameters: Operation['parameters']): JsonObject {
    if (body instanceof z.ZodType) return withoutIds(z.toJSONSchema(body, { io: this.#io }))
    const references = Object.entries(body).map(([name, schema]) => this.#name(name, schema))
    for (const name of Object.keys(body))
      if (parameters !== undefined) this.#descriptions.set(name, parameters)
    return references.length === 1 ? references[0]! : { anyOf: references }
  }

  #name(name: string, schema: z.ZodType): JsonObject {
    if (!this.#registry.has(schema)) {
      if (this.#names.has(name)) throw new Error(`two schemas are named ${name}`)
      this.#names.add(name)
      this.#registry.add(schema, { id: name })
    }
    return { $ref: `#/components/schemas/${name}` }
  }
}

/** Path and query parameters. */
function parametersOf(operation: Operation): JsonObject {
  const inPath = [...operation.path.matchAll(/:(\w+)/g)].map(([, name]) => ({
    name,
    in: 'path',
    required: true,
    schema: { type: 'string' },
  }))
  const query = operation.query && z.toJSONSchema(operation.query, { io: 'input' })
  const inQuery = Object.entries(query?.properties ?? {}).map(([name, schema]) => ({
    name,
    in: 'query',
    required: query?.required?.includes(name) ?? false,
    schema,
  }))
  const parameters = [...inPath, ...inQuery]
  return parameters.length === 0 ? {} : { parameters }
}

const errorsByStatus = Map.groupBy(Object.entries(errorCatalogue), ([, entry]): number => entry.status)

const errorReferences: JsonObject = Object.fromEntries(
  [...errorsByStatus.keys()].map(status => [status, { $ref: `#/components/responses/Error${status}` }]),
)

function describeError([code, { remedy }]: [string, { remedy: string }]): string {
  return `- \`${code}\`: ${remedy}`
}

/** A status that is an answer as well as an error may hold either. */
function mergeContent(content: JsonObject, status: number, error: JsonObject): JsonObject {
  if (!errorsByStatus.has(status)) return content
  const json = 'application/json'
  const schemas = [content[json], error[json]].map(each => (each as { schema: JsonObject }).schema)
  return { ...content, [json]: { schema: { anyOf: schemas } } }
}

function withoutIds({ $schema, $id, ...schema }: JsonSchema): JsonObject {
  return schema
}

function describeProperties(schema: JsonObject, parameters: Operation['parameters']): JsonObject {
  if (parameters === undefined) return schema
  const properties = Object.entries(schema['properties'] as Record<string, JsonObject>).map(
    ([name, property]) => {
      const support = parameters[name]
      const description = support !== undefined && 'note' in support ? support.note : undefined
      return [name, description === undefined ? property : { ...property, description }]
    },
  )
  return { ...schema, properties: Object.fromEntries(properties) }
}
