/** `npm run demo`: starts the server, asks it about the bundled recordings, prints what it answers, and ends. */
import { readFile } from 'node:fs/promises'
import { z } from 'zod'
import { ChatCompletionChunk } from '../../src/protocol/chat-completions.ts'
import { doneData, ServerSentEventParser } from '../../src/protocol/sse.ts'
import { readConfiguration } from './configuration.ts'
import { startLocal } from './start-local.ts'

const samplesFolder = new URL('../../web/samples/', import.meta.url)
const Samples = z.object({
  samples: z.array(z.object({ file: z.string(), title: z.string(), question: z.string() })),
})

const startedMs = performance.now()
const server = await startLocal(readConfiguration({ ...process.env, PORT: '0' }), process.env)
await server.ready()
console.log(
  `Auricle started in ${seconds(performance.now() - startedMs)}: an edge, and one worker on this CPU.\n`,
)
try {
  const { samples } = Samples.parse(
    JSON.parse(await readFile(new URL('samples.json', samplesFolder), 'utf8')),
  )
  for (const sample of samples) await ask(sample)
  console.log('Ask your own: npm start')
} finally {
  await server.stop()
}

/** Streams the answer to a sample's question to the terminal, then its figures. */
async function ask({ file, title, question }: z.infer<typeof Samples>['samples'][number]): Promise<void> {
  console.log(`${title} (${file})\n  ? ${question}`)
  process.stdout.write('  > ')
  const askedMs = performance.now()
  let firstMs = 0
  let lastMs = 0
  let usage: ChatCompletionChunk['usage']
  for await (const chunk of streamAnswer(await readFile(new URL(file, samplesFolder), 'base64'), question)) {
    usage = chunk.usage ?? usage
    const text = chunk.choices[0]?.delta.content
    if (!text) continue
    lastMs = performance.now()
    firstMs ||= lastMs
    process.stdout.write(text.replaceAll('\n', '\n    '))
  }
  const heard = usage?.audio[0]?.seconds_encoded ?? 0
  const tokens = usage?.completion_tokens ?? 0
  const rate =
    lastMs > firstMs ? `, then ${Math.round(((tokens - 1) * 1000) / (lastMs - firstMs))} tokens/s` : ''
  console.log(`\n  ${heard.toFixed(1)} s of audio, first token after ${seconds(firstMs - askedMs)}${rate}\n`)
}

async function* streamAnswer(audioBase64: string, question: string): AsyncGenerator<ChatCompletionChunk> {
  const response = await fetch(`${server.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({
      model: 'pocket',
      stream: true,
      stream_options: { include_usage: true },
      messages: [
        {
          role: 'user',
          content: [
            { type: 'input_audio', input_audio: { data: audioBase64 } },
            { type: 'text', text: question },
          ],
        },
      ],
    }),
  })
  if (!response.ok || !response.body) throw new Error(await response.text())
  const parser = new ServerSentEventParser()
  for await (const bytes of response.body) {
    for (const { data } of parser.push(bytes)) {
      if (data !== doneData) yield ChatCompletionChunk.parse(JSON.parse(data))
    }
  }
}

function seconds(milliseconds: number): string {
  return `${(milliseconds / 1000).toFixed(2)} s`
}
