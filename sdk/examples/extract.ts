/** Has the answer as a value: what a zod schema describes, and typed by it. */
import type { AudioInput, Auricle } from '@auricle/sdk'
import * as z from 'zod'

const Talk = z.object({
  kind: z.enum(['speech', 'music', 'noise']),
  words: z.array(z.string().max(20)).max(3),
})

export async function extract(
  client: Auricle,
  recording: AudioInput,
  print: (text: string) => void,
): Promise<void> {
  const { output } = await client.chat.completions.parse({
    model: 'pocket',
    temperature: 0,
    messages: [
      {
        role: 'user',
        content: [
          { type: 'audio', audio: recording },
          {
            type: 'text',
            text: 'What kind of recording is it, and which words matter most? Answer in JSON.',
          },
        ],
      },
    ],
    output: Talk,
  })
  print(`${output.kind}: ${output.words.join(', ')}\n`)
}
