/** `auricle transcribe FILE`: sends a recording to a server that runs, prints its text as it comes, or a format whole. */
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { ErrorBody } from '../../src/protocol/errors.ts'
import { parseEvents } from '../../src/protocol/sse.ts'
import { TranscriptFormat, TranscriptStreamEvent } from '../../src/protocol/transcriptions.ts'
import { oneOf, readArguments } from './arguments.ts'
import { post } from './server.ts'
import { UsageError } from './usage-error.ts'

const usage = `auricle transcribe FILE [--format ${TranscriptFormat.options.join('|')}]
  --model NAME          whisper-tiny.en
  --language, --prompt, --beam-size, --ngram-model, --ngram-weight, --word-bonus   as the API has them
  --hotword TEXT        again for each
  --url URL             the server, http://127.0.0.1:8080; start one with npm start
  AURICLE_API_KEY       the key, where the server asks for one`

/** Sent on as they are, under the API's names. */
const fields = ['language', 'prompt', 'beam-size', 'ngram-model', 'ngram-weight', 'word-bonus'] as const

/** The command. @throws UsageError; Error with what the server says */
export async function transcribe(args: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  const { values, positionals } = readArguments(
    args,
    {
      format: { type: 'string', default: 'text' },
      model: { type: 'string', default: 'whisper-tiny.en' },
      url: { type: 'string', default: 'http://127.0.0.1:8080' },
      hotword: { type: 'string', multiple: true },
      language: text,
      prompt: text,
      'beam-size': text,
      'ngram-model': text,
      'ngram-weight': text,
      'word-bonus': text,
    },
    usage,
  )
  const [path] = positionals
  if (path === undefined || positionals.length > 1) throw new UsageError(usage)
  const format = oneOf('format', values.format, TranscriptFormat.options)
  const form = new FormData()
  form.append('file', await openAsBlob(path), basename(path))
  form.append('model', values.model)
  form.append('response_format', format)
  for (const name of fields) {
    const value = values[name]
    if (value !== undefined) form.append(name.replace('-', '_'), value)
  }
  for (const hotword of values.hotword ?? []) form.append('hotwords[]', hotword)
  if (format === 'text') form.append('stream', 'true')

  const response = await post(values.url, '/v1/audio/transcriptions', form)
  if (format === 'text') await printDeltas(response)
  else process.stdout.write(await response.text())
}

async function printDeltas(response: Response): Promise<void> {
  for await (const { data } of parseEvents(response.body!)) {
    if (data === '[DONE]') break
    const json: unknown = JSON.parse(data)
    const event = TranscriptStreamEvent.safeParse(json)
    if (!event.success) throw new Error(ErrorBody.parse(json).error.message)
    if (event.data.type === 'transcript.text.delta') process.stdout.write(event.data.delta)
  }
  process.stdout.write('\n')
}
