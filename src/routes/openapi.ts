/** `GET /openapi.json`: OpenAPI 3.1, made from the schemas that check the requests. */
import type { Handler } from 'hono'
import * as z from 'zod'
import { ChatCompletion, ChatCompletionChunk, ChatCompletionRequest } from '../protocol/chat-completions.ts'
import { ErrorBody, errorCatalogue } from '../protocol/errors.ts'
import { EdgeReadiness, Health } from '../protocol/health.ts'
import { Model, ModelList } from '../protocol/models.ts'

const requests = { ChatCompletionRequest }
const responses = { ChatCompletion, ChatCompletionChunk, Model, ModelList, Health, EdgeReadiness, ErrorBody }

type JsonObject = Record<string, unknown>

/** The document; made once, when it is first asked for. */
let document: JsonObject | undefined

/** Serves it. */
export const openApi: Handler = context => {
  document ??= buildDocument()
  return context.json(document)
}

function buildDocument(): JsonObject {
  return {
    openapi: '3.1.0',
    info: {
      title: 'Auricle',
      version: '1',
      description: 'Ask questions about audio, over the wire format of OpenAI.',
    },
    paths: {
      '/v1/chat/completions': {
        post: {
          operationId: 'createChatCompletion',
          summary: 'Answer a conversation that may hold audio',
          requestBody: { required: true, content: json('ChatCompletionRequest') },
          responses: {
            200: {
              description: 'The answer; with `stream: true`, chunks as server-sent events, ended by [DONE]',
              content: {
                ...json('ChatCompletion'),
                'text/event-stream': { schema: reference('ChatCompletionChunk') },
              },
            },
            ...errorResponses,
          },
        },
      },
      '/v1/models': { get: read('listModels', 'The models that can be asked', 'ModelList') },
      '/v1/models/{id}': {
        get: {
          ...read('retrieveModel', 'One model', 'Model'),
          parameters: [{ name: 'id', in: 'path', required: true, schema: { type: 'string' } }],
        },
      },
      '/healthz': { get: read('health', 'Whether the process lives', 'Health') },
      '/readyz': { get: read('readiness', 'Whether requests can be answered now', 'EdgeReadiness') },
    },
    components: {
      schemas: {
        ...schemasOf(requests, 'input'),
        ...schemasOf(responses, 'output'),
      },
    },
  }
}

/** One entry a status of the catalogue, with the codes that it may carry. */
const errorResponses: JsonObject = Object.fromEntries(
  [...Map.groupBy(Object.entries(errorCatalogue), ([, entry]) => entry.status)].map(([status, entries]) => [
    String(status),
    { description: entries.map(([code]) => code).join(', '), content: json('ErrorBody') },
  ]),
)

function read(operationId: string, summary: string, schema: string): JsonObject {
  return {
    operationId,
    summary,
    responses: { 200: { description: summary, content: json(schema) }, ...errorResponses },
  }
}

function schemasOf(schemas: Record<string, z.ZodType>, io: 'input' | 'output'): JsonObject {
  return Object.fromEntries(
    Object.entries(schemas).map(([name, schema]) => {
      const { $schema, ...rest } = z.toJSONSchema(schema, { io })
      return [name, rest]
    }),
  )
}

function json(schema: string): JsonObject {
  return { 'application/json': { schema: reference(schema) } }
}

function reference(schema: string): JsonObject {
  return { $ref: `#/components/schemas/${schema}` }
}
