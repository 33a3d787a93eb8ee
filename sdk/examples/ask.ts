/** Asks about a recording, and prints the answer as it is written. */
import type { AudioInput, Auricle } from '@auricle/sdk'

export async function ask(
  client: Auricle,
  recording: AudioInput,
  print: (text: string) => void,
): Promise<void> {
  const stream = client.chat.completions.stream({
    model: 'pocket',
    messages: [
      {
        role: 'user',
        content: [
          { type: 'audio', audio: recording },
          { type: 'text', text: 'Transcribe the audio.' },
        ],
      },
    ],
  })
  for await (const event of stream) {
    if (event.type === 'waiting') print(`(${event.state})\n`)
    if (event.type === 'text') print(event.text)
  }
  const { usage } = await stream.final()
  print(`\n${usage.audio[0]!.seconds_encoded.toFixed(1)} s were heard.\n`)
}
