/**
 * Uses of the client that must compile, and, marked so, uses that must not. `npm run check` holds the sources to it,
 * test/e2e/sdk-package.test.ts the built package. Nothing here runs.
 */
import {
  ApiError,
  Auricle,
  type ChatCompletion,
  type ChatCompletionChunk,
  type CheckpointComparison,
  type Classification,
  type ErrorCode,
  type Transcription,
  type TranscriptionVerbose,
} from '@auricle/sdk'
import * as z from 'zod'

type Equal<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
const same = <A, B>(_equal: Equal<A, B>) => {}

const client = new Auricle({ apiKey: 'key', timeoutMs: 1000 })
const messages = [{ role: 'user' as const, content: 'Hello.' }]
const model = 'pocket'
const file = new Blob([])

export async function clientOptions() {
  new Auricle()
  new Auricle({ apiKey: async () => 'key', baseUrl: 'http://127.0.0.1:8080' })
  // @ts-expect-error a misspelt option
  new Auricle({ baseURL: 'http://127.0.0.1:8080' })
  // @ts-expect-error not a number
  new Auricle({ maxRetries: '2' })
}

export async function chat() {
  const whole = await client.chat.completions.create({ model, messages })
  same<typeof whole, ChatCompletion>(true)
  same<(typeof whole.choices)[number]['message']['content'], string>(true)
  const chunks = await client.chat.completions.create({ model, messages, stream: true })
  for await (const chunk of chunks) same<typeof chunk, ChatCompletionChunk>(true)
  // @ts-expect-error a stream has no choices
  chunks.choices

  await client.chat.completions.create({ model, messages, temperature: null, top_k: 3, long_audio: 'chunk' })
  // @ts-expect-error the model is missing
  await client.chat.completions.create({ messages })
  // @ts-expect-error a misspelt parameter
  await client.chat.completions.create({ model, messages, temprature: 1 })
  // @ts-expect-error not a number
  await client.chat.completions.create({ model, messages, temperature: '1' })
  // @ts-expect-error no such role
  await client.chat.completions.create({ model, messages: [{ role: 'robot', content: 'Hello.' }] })
  // @ts-expect-error not one of the ways
  await client.chat.completions.create({ model, messages, long_audio: 'cut' })
  // @ts-expect-error a misspelt option
  await client.chat.completions.create({ model, messages }, { timeout: 1 })
}

export async function audio() {
  for (const audio of [
    'call.wav',
    new URL('https://example.com/call.wav'),
    file,
    new Uint8Array(),
    new ArrayBuffer(0),
    new Float32Array(),
    { samples: new Float32Array(), sampleRateHz: 48_000 },
    new Response(),
    new ReadableStream<Uint8Array>(),
  ]) {
    await client.chat.completions.create({
      model,
      messages: [
        {
          role: 'user',
          content: [
            { type: 'audio', audio },
            { type: 'text', text: 'What?' },
          ],
        },
      ],
    })
    await client.audio.transcriptions.create({ model, file: audio })
  }
  await client.chat.completions.create({
    model,
    // @ts-expect-error samples without their rate
    messages: [{ role: 'user', content: [{ type: 'audio', audio: { samples: new Float32Array() } }] }],
  })
  await client.chat.completions.create({
    model,
    // @ts-expect-error only users send audio
    messages: [{ role: 'system', content: [{ type: 'audio', audio: file }] }],
  })
}

export async function events() {
  const stream = client.chat.completions.stream({ model, messages })
  for await (const event of stream) {
    if (event.type === 'text') same<typeof event.text, string>(true)
    // @ts-expect-error only text has a text
    if (event.type === 'finish') event.text
    // @ts-expect-error no such event
    if (event.type === 'done') return
  }
  same<Awaited<ReturnType<typeof stream.final>>, ChatCompletion>(true)
  // @ts-expect-error a stream is always one
  client.chat.completions.stream({ model, messages, stream: false })
}

export async function output() {
  const schema = z.object({ name: z.string(), calls: z.array(z.number()) })
  const { output } = await client.chat.completions.parse({ model, messages, output: schema })
  same<typeof output, { name: string; calls: number[] }>(true)
  // @ts-expect-error no such field
  output.surname
  const beside = await client.chat.completions.parse({
    model,
    messages,
    output: { schema: z.string(), jsonSchema: { type: 'string' } },
  })
  same<typeof beside.output, string>(true)
  // @ts-expect-error not a schema
  await client.chat.completions.parse({ model, messages, output: { type: 'object' } })
  // @ts-expect-error one value, of one answer
  await client.chat.completions.parse({ model, messages, output: schema, n: 2 })
}

export async function transcripts() {
  const json = await client.audio.transcriptions.create({ model, file })
  same<typeof json, Transcription>(true)
  const verbose = await client.audio.transcriptions.create({ model, file, response_format: 'verbose_json' })
  same<typeof verbose, TranscriptionVerbose>(true)
  const subtitles = await client.audio.transcriptions.create({ model, file, response_format: 'srt' })
  same<typeof subtitles, string>(true)
  await client.audio.transcriptions.create({ model, file_id: 'file-0' })
  // @ts-expect-error one of them
  await client.audio.transcriptions.create({ model, file, file_id: 'file-0' })
  // @ts-expect-error the file is missing
  await client.audio.transcriptions.create({ model })
  // @ts-expect-error speakers are not told apart
  await client.audio.transcriptions.create({ model, file, response_format: 'diarized_json' })
  // @ts-expect-error subtitles are not streamed
  client.audio.transcriptions.stream({ model, file, response_format: 'srt' })
  // @ts-expect-error translations are into English
  await client.audio.translations.create({ model, file, language: 'en' })
}

export async function classifications() {
  const { label, labels, results } = await client.audio.classifications.create({
    model,
    file,
    labels: ['dog', 'cat'],
  })
  same<typeof label, 'dog' | 'cat' | null>(true)
  same<typeof labels, ('dog' | 'cat')[]>(true)
  same<(typeof results)[number]['label'], 'dog' | 'cat'>(true)
  // @ts-expect-error no such label
  if (label === 'cow') return
  const words = ['yes', 'no'] as const
  const answer = await client.audio.classifications.create({ model, file, labels: words })
  same<typeof answer.label, 'yes' | 'no' | null>(true)
  const given: string[] = []
  same<Awaited<ReturnType<typeof client.audio.classifications.create<string>>>['label'], string | null>(true)
  await client.audio.classifications.create({ model, file_id: 'file-0', labels: given, top_k: 1 })
  const digit = await client.audio.classifications.create({ model, file, taxonomy: 'digits' })
  same<typeof digit, Classification>(true)
  const audio = { type: 'audio_url' as const, audio_url: { url: 'audio:0' } }
  await client.audio.classifications.create({ model, audio, labels: words })
  // @ts-expect-error labels or a taxonomy
  await client.audio.classifications.create({ model, file })
  // @ts-expect-error not both
  await client.audio.classifications.create({ model, file, labels: words, taxonomy: 'digits' })
  // @ts-expect-error no such set
  await client.audio.classifications.create({ model, file, taxonomy: 'smells' })
  // @ts-expect-error one recording
  await client.audio.classifications.create({ model, file, audio, labels: words })
}

export async function checkpoints() {
  const compared = await client.checkpoints.compare({ model, messages, checkpoints: ['sft', 'dpo'] })
  same<typeof compared, CheckpointComparison>(true)
  same<typeof compared.reward_margin, number | null>(true)
  const content = [{ type: 'audio' as const, audio: file }]
  const asked = { model, messages: [{ role: 'user' as const, content }] }
  await client.checkpoints.compare({ ...asked, checkpoints: ['sft', 'dpo'], reference: 'sft', beta: 0.2 })
  // @ts-expect-error two of them
  await client.checkpoints.compare({ ...asked, checkpoints: ['sft'] })
  // @ts-expect-error whole answers are compared
  await client.checkpoints.compare({ ...asked, checkpoints: ['sft', 'dpo'], stream: true })
}

export function errors(error: unknown) {
  if (!(error instanceof ApiError)) return
  const code: ErrorCode = 'model_not_found'
  if (error.code === code) same<typeof error.param, string | null>(true)
  // @ts-expect-error no such code
  const wrong: ErrorCode = 'model_lost'
  return wrong
}
