import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ChatCompletionRequest } from './chat-completions.ts'
import { chatCompletionParameters, type ParameterSupport } from './openai-parameters.ts'
import { transcriptionParameters, translationParameters } from './transcription-parameters.ts'
import { TranscriptionRequest, TranslationRequest } from './transcriptions.ts'

const page = new URL('../../docs/openai-parameters.md', import.meta.url)
const resources = new URL('../../node_modules/openai/resources/', import.meta.url)

const kinds: Record<ParameterSupport['kind'], string> = {
  done: 'done',
  accepted: 'accepted, no effect',
  'default-only': 'default only',
  refused: 'refused',
  extension: 'ours',
}

type Table = Readonly<Record<string, ParameterSupport>>

/** The rows that a table makes. */
function rows(table: Table): string[] {
  return Object.entries(table).map(([name, support]) => {
    const note = 'note' in support ? support.note : ''
    const reason = 'reason' in support ? support.reason : ''
    const text = [note, reason && `${reason[0]!.toUpperCase()}${reason.slice(1)}.`].filter(Boolean).join(' ')
    return `| \`${name}\` | ${kinds[support.kind]} | ${text} |`
  })
}

/** Each: the path, its table, its schema (of the fields beside files), and the client's types. */
const endpoints: [string, Table, string[], string, string][] = [
  [
    '/v1/chat/completions',
    chatCompletionParameters,
    Object.keys(ChatCompletionRequest.shape),
    'chat/completions/completions.d.ts',
    'ChatCompletionCreateParamsBase',
  ],
  [
    '/v1/audio/transcriptions',
    transcriptionParameters,
    ['file', ...Object.keys(TranscriptionRequest.shape)],
    'audio/transcriptions.d.ts',
    'TranscriptionCreateParamsBase',
  ],
  [
    '/v1/audio/translations',
    translationParameters,
    ['file', ...Object.keys(TranslationRequest.shape)],
    'audio/translations.d.ts',
    'TranslationCreateParams',
  ],
]

describe.each(endpoints)('%s', (path, table, fields, types, name) => {
  test('has its table in docs/openai-parameters.md', async () => {
    const text = await readFile(page, 'utf8')
    const section = text.split(/^## /m).find(part => part.startsWith(`\`POST ${path}\``))
    expect(section?.split('\n').filter(line => line.startsWith('| `'))).toEqual(rows(table))
  })

  test('has every parameter of the openai client’s types in the table', async () => {
    const text = await readFile(new URL(types, resources), 'utf8')
    const body = new RegExp(`export interface ${name}\\b[^{]*\\{([\\s\\S]*?)\\n\\}`).exec(text)![1]!
    const names = [...body.matchAll(/^ {4}([a-z_]+)\??:/gm)].map(match => match[1]!)
    expect(names.length).toBeGreaterThan(4)
    for (const parameter of names) expect(table, parameter).toHaveProperty(parameter)
  })

  test('takes by its schema exactly what the table does not refuse', () => {
    const usable = Object.entries(table).filter(([, { kind }]) => kind !== 'refused')
    expect(fields.sort()).toEqual(usable.map(([parameter]) => parameter).sort())
  })
})
