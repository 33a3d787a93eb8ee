/** Recordings in forms. */
import { type AudioInput, fileNameOf, toBlob } from '../audio.ts'
import { encodeForm, toForm } from '../form.ts'
import type { RequestOptions, Transport, WireRequest } from '../transport.ts'

/** Any kind of audio, or the id of a file that was uploaded. */
export type Recording = { file: AudioInput; file_id?: undefined } | { file_id: string; file?: undefined }

/** A form of fields and, where there is one, the recording itself. */
export async function formRequest(
  transport: Transport,
  path: string,
  { file, ...fields }: Recording,
  options: RequestOptions | undefined,
): Promise<WireRequest> {
  const body = toForm(fields)
  if (file !== undefined) {
    const blob = await toBlob(file, { fetch: transport.fetch, signal: options?.signal })
    body.append('file', blob, fileNameOf(file))
  }
  // Under an idempotency key a request is known by its bytes.
  if (options?.idempotencyKey !== undefined) return { method: 'POST', path, ...(await encodeForm(body)) }
  return { method: 'POST', path, body }
}
