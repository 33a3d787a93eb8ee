// The whole way of `response_format`, with a model that says what it likes.
import { describe, expect, test } from 'vitest'
import { ResponseFormat } from '../../src/protocol/chat-completions.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { fakeChatModel } from '../fake-chat-model.ts'
import { Grammars } from './grammars.ts'

const grammars = new Grammars()
const model = fakeChatModel('anything')

test('text needs none', async () => {
  expect(await grammars.of(model, undefined)).toBeNull()
  expect(await grammars.of(model, { type: 'text' })).toBeNull()
})

describe('JSON', () => {
  const bySchema = (schema: object) =>
    ResponseFormat.parse({ type: 'json_schema', json_schema: { name: 'a', schema } })
  const brace = '{'.charCodeAt(0)
  const isAllowed = (mask: Uint32Array, id: number) => ((mask[id >>> 5]! >>> (id & 31)) & 1) === 1

  test('an object begins with a brace', async () => {
    const grammar = await grammars.of(model, { type: 'json_object' })
    const mask = grammar!.start().mask()
    expect(isAllowed(mask, brace)).toBe(true)
    expect(isAllowed(mask, brace + 1)).toBe(false)
  })

  test('a schema is compiled once for many requests of a model', async () => {
    const format = bySchema({ const: 1 })
    const [first, second] = await Promise.all([grammars.of(model, format), grammars.of(model, format)])
    expect(first!.grammar).toBe(second!.grammar)
    const other = await grammars.of(fakeChatModel('another'), format)
    expect(other!.grammar).not.toBe(first!.grammar)
  })

  test('a schema that is refused says where', async () => {
    const format = bySchema({ type: 'array', items: { type: 'string', pattern: '(' } })
    const refused = grammars.of(model, format)
    await expect(refused).rejects.toBeInstanceOf(ApiError)
    await expect(refused).rejects.toMatchObject({ param: 'response_format.json_schema.schema.items' })
  })
})
