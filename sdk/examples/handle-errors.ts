/** What can go wrong, and how to tell it apart. */
import {
  AbortedError,
  ApiError,
  type AudioInput,
  type Auricle,
  InvalidRequestError,
  NotFoundError,
} from '@auricle/sdk'

export async function handleErrors(
  client: Auricle,
  recording: AudioInput,
  print: (text: string) => void,
): Promise<void> {
  const ask = (model: string, audio: AudioInput, signal?: AbortSignal) =>
    client.chat.completions.create(
      { model, messages: [{ role: 'user', content: [{ type: 'audio', audio }] }] },
      { signal, maxRetries: 0 },
    )
  const attempts = [
    () => ask('no-such-model', recording),
    () => ask('pocket', new TextEncoder().encode('This is no audio.')),
    () => ask('pocket', recording, AbortSignal.timeout(1)),
  ]
  for (const attempt of attempts) {
    try {
      await attempt()
    } catch (error) {
      if (error instanceof NotFoundError) print(`not found (${error.code}): ${error.message}\n`)
      else if (error instanceof InvalidRequestError) print(`invalid (${error.code}): ${error.message}\n`)
      else if (error instanceof ApiError) print(`the server failed, request ${error.requestId}\n`)
      else if (error instanceof AbortedError) print('cancelled\n')
      else throw error
    }
  }
}
