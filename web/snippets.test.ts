import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { snippetOf } from './snippets.js'

const QUESTION = 'Cost in $HOME? `id` \\ "quoted" \'single\'\nsecond line é'
const BASE_URL = 'http://127.0.0.1:8000/v1'

const requestFor = (file: string) => ({
  model: 'pocket',
  messages: [
    {
      role: 'user' as const,
      content: [
        { type: 'input_audio' as const, input_audio: { data: file, format: 'wav' } },
        { type: 'text' as const, text: QUESTION },
      ],
    },
  ],
})

test("curl: the shell makes the request's JSON of it, whatever the question and the file's name hold", () => {
  const folder = mkdtempSync(join(tmpdir(), 'snippet-'))
  try {
    const name = "it's a $clip.wav"
    const bytes = Buffer.from(Array.from({ length: 300 }, (_, i) => i % 256))
    writeFileSync(join(folder, name), bytes)
    const script = snippetOf('curl', BASE_URL, requestFor(name)).replace(/^curl [^<]* <</, 'cat <<')
    const body = JSON.parse(execFileSync('bash', ['-c', script], { cwd: folder, encoding: 'utf8' }))
    expect(body).toEqual({ ...requestFor(bytes.toString('base64')), stream: true })
  } finally {
    rmSync(folder, { recursive: true })
  }
})

test('TypeScript: evaluates to the messages', async () => {
  const code = snippetOf('typescript', BASE_URL, requestFor('clip.wav'))
  const messages = /messages: (\[[\s\S]*\]),\n {2}stream/.exec(code)?.[1]
  const evaluate = new Function('readFile', `return (async () => ${messages})()`)
  expect(await evaluate(async (name: string) => `bytes of ${name}`)).toEqual(
    requestFor('bytes of clip.wav').messages,
  )
  expect(code).toContain(`baseURL: "${BASE_URL}"`)
})

test('Python: the file is read where the data stands, extensions go in the extra body', () => {
  const code = snippetOf('python', BASE_URL, { ...requestFor('clip.wav'), long_audio: 'chunk' })
  expect(code).toContain('"data": base64_of("clip.wav")')
  expect(code).toContain(JSON.stringify(QUESTION))
  expect(code).toContain('extra_body={"long_audio": "chunk"}')
})
