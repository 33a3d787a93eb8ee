import { validate } from '@readme/openapi-parser'
import { expect, test } from 'vitest'
import * as z from 'zod'
import { Conformance } from '../../test/support/conformance.ts'
import { errorCatalogue } from '../protocol/errors.ts'
import { buildDocument } from './openapi.ts'
import { type Operation, operations } from './operations.ts'

test('the document is valid OpenAPI 3.1', async () => {
  const document = buildDocument(operations)
  expect(document['openapi']).toMatch(/^3\.1/)
  // The validator resolves the references in place.
  expect(await validate(structuredClone(document) as never)).toMatchObject({ valid: true })
})

test('ids of operations are each there once', () => {
  const ids = operations.map(({ operationId }) => operationId)
  expect(new Set(ids).size).toBe(ids.length)
})

test('every row of the error catalogue is in the answer of its status', () => {
  const { responses } = buildDocument(operations)['components'] as {
    responses: Record<string, { description: string }>
  }
  for (const [code, { status }] of Object.entries(errorCatalogue)) {
    expect(responses[`Error${status}`]?.description).toContain(`\`${code}\``)
  }
})

test('parameters of path and query, bytes, and a form', () => {
  const operation: Operation = {
    method: 'post',
    path: '/v1/things/:id/parts',
    operationId: 'addPart',
    summary: 'Add a part',
    query: z.object({ limit: z.string().optional() }),
    request: {
      'multipart/form-data': { Form: z.object({ file: z.file() }) },
      'application/octet-stream': null,
    },
    responses: { 201: { description: 'Added', bodies: { 'text/plain': z.string() } } },
  }
  const { paths, components } = buildDocument([operation]) as {
    paths: Record<string, { post: Record<string, unknown> }>
    components: { schemas: Record<string, unknown> }
  }
  const { post } = paths['/v1/things/{id}/parts']!
  expect(post['parameters']).toEqual([
    { name: 'id', in: 'path', required: true, schema: { type: 'string' } },
    { name: 'limit', in: 'query', required: false, schema: { type: 'string' } },
  ])
  expect(post['requestBody']).toEqual({
    required: true,
    content: {
      'multipart/form-data': { schema: { $ref: '#/components/schemas/Form' } },
      'application/octet-stream': {},
    },
  })
  expect(components.schemas['Form']).toMatchObject({ properties: { file: { format: 'binary' } } })
})

test('two schemas of one name are refused', () => {
  const row = (operationId: string, Twice: z.ZodType): Operation => ({
    method: 'get',
    path: `/${operationId}`,
    operationId,
    summary: '',
    responses: { 200: { description: '', bodies: { 'application/json': { Twice } } } },
  })
  expect(() => buildDocument([row('a', z.string()), row('b', z.number())])).toThrow(/Twice/)
})

test('an answer that the document does not describe is found', async () => {
  const conformance = new Conformance()
  const problemsOf = async (method: string, url: string, response: Response) => {
    await conformance.observe(response, { method, url }).text()
    return conformance.takeProblems()
  }
  const health = 'http://127.0.0.1:1/healthz'
  expect(await problemsOf('GET', health, Response.json({ status: 'ok' }))).toEqual([])
  expect(await problemsOf('GET', health, Response.json({ status: 'fine' }))).toHaveLength(1)
  expect(await problemsOf('GET', health, Response.json({ status: 'ok', more: 1 }))).toHaveLength(1)
  expect(await problemsOf('GET', health, Response.json({ status: 'ok' }, { status: 201 }))).toHaveLength(1)
  expect(await problemsOf('GET', health, Response.json({ error: 'no' }, { status: 500 }))).toHaveLength(1)
  expect(await problemsOf('GET', health, new Response('ok'))).toHaveLength(1)
  expect(await problemsOf('GET', 'http://elsewhere/x', new Response('ok'))).toEqual([])

  const events = (text: string) => new Response(text, { headers: { 'content-type': 'text/event-stream' } })
  const chat = 'http://127.0.0.1:1/v1/chat/completions'
  expect(await problemsOf('POST', chat, events('data: [DONE]\n\n'))).toEqual([])
  expect(await problemsOf('POST', chat, events('data: {}\n\ndata: [DONE]\n\n'))).toHaveLength(1)
  expect(await problemsOf('POST', chat, events('data: {"error":{}}\n\n'))).toHaveLength(1)
})
