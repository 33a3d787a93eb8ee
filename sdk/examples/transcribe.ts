/** Transcribes a recording: as text while it is heard, then as subtitles. */
import type { AudioInput, Auricle } from '@auricle/sdk'

export async function transcribe(
  client: Auricle,
  recording: AudioInput,
  print: (text: string) => void,
): Promise<void> {
  const model = 'whisper-tiny.en'
  for await (const event of client.audio.transcriptions.stream({ model, file: recording })) {
    if (event.type === 'transcript.text.delta') print(event.delta)
  }
  print('\n\n')
  print(await client.audio.transcriptions.create({ model, file: recording, response_format: 'srt' }))
}
