import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { ChatCompletionRequest } from './chat-completions.ts'
import { chatCompletionParameters, type ParameterSupport } from './openai-parameters.ts'

const page = new URL('../../docs/openai-parameters.md', import.meta.url)
const types = new URL(
  '../../node_modules/openai/resources/chat/completions/completions.d.ts',
  import.meta.url,
)

const kinds: Record<ParameterSupport['kind'], string> = {
  done: 'done',
  accepted: 'accepted, no effect',
  'default-only': 'default only',
  refused: 'refused',
  extension: 'ours',
}

/** The rows that the table makes. */
function rows(): string[] {
  return Object.entries(chatCompletionParameters).map(([name, support]) => {
    const note = 'note' in support ? support.note : ''
    const reason = 'reason' in support ? support.reason : ''
    const text = [note, reason && `${reason[0]!.toUpperCase()}${reason.slice(1)}.`].filter(Boolean).join(' ')
    return `| \`${name}\` | ${kinds[support.kind]} | ${text} |`
  })
}

test('docs/openai-parameters.md is the table', async () => {
  const text = await readFile(page, 'utf8')
  const written = text.split('\n').filter(line => line.startsWith('| `'))
  expect(written).toEqual(rows())
})

test('every parameter of the openai client’s types is in the table', async () => {
  const text = await readFile(types, 'utf8')
  const body = /export interface ChatCompletionCreateParamsBase \{([\s\S]*?)\n\}/.exec(text)![1]!
  const names = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(match => match[1]!)
  expect(names.length).toBeGreaterThan(30)
  for (const name of names) expect(chatCompletionParameters, name).toHaveProperty(name)
})

test('the schema takes exactly what the table does not refuse', () => {
  const usable = Object.entries(chatCompletionParameters).filter(([, { kind }]) => kind !== 'refused')
  expect(Object.keys(ChatCompletionRequest.shape).sort()).toEqual(usable.map(([name]) => name).sort())
})
