import { expect, test } from 'vitest'
import { parseCheckpointComparison } from './checkpoint-comparisons.ts'
import { defaultLimits } from './limits.ts'

const messages = [{ role: 'user', content: 'Hello' }]
const asked = { model: 'pocket', messages, checkpoints: ['sft', 'dpo'] }
const parse = (fields: object) => parseCheckpointComparison({ ...asked, ...fields }, defaultLimits)

test('a chat, and what is compared', () => {
  const { chat, ...compared } = parse({ reference: 'sft', temperature: 0.5, n: null, stream: false })
  expect(chat).toMatchObject({ model: 'pocket', temperature: 0.5 })
  expect(compared).toEqual({ checkpoints: ['sft', 'dpo'], reference: 'sft', beta: 0.1 })
})

test.each([
  ['three checkpoints', { checkpoints: ['a', 'b', 'c'] }, 'checkpoints', /2/],
  ['none', { checkpoints: undefined }, 'checkpoints', /missing/],
  ['a beta of nothing', { beta: 0 }, 'beta', />0/],
  ['several answers', { n: 2 }, 'n', /each whole/],
  ['parts', { long_audio: 'chunk' }, 'long_audio', /each whole/],
  ['what no chat takes', { tools: [{}] }, 'tools', /cannot call/],
  ['no conversation', { messages: undefined }, 'messages', /missing/],
])('%s is refused by name', (_, fields, param, message) => {
  expect(() => parse(fields)).toThrow(
    expect.objectContaining({ param, message: expect.stringMatching(message) }),
  )
})
