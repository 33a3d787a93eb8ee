/**
 * A form with a recording: checked here as the worker will check it, then forwarded byte for byte. Clients put the file
 * before the fields, so the model is known when all is read: at most the limit of a file and its fields is held.
 */
import type { Handler } from 'hono'
import { backgroundOf } from '../background.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeyOfFile, audioKeyOfFileId } from '../fleet/affinity.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Limits } from '../protocol/limits.ts'
import { type MultipartForm, readMultipart } from '../protocol/multipart.ts'
import type { Recording } from '../protocol/recording.ts'
import { timeoutMsOf } from '../protocol/worker-headers.ts'

/** Half a minute of speech as WAV, some minutes compressed. */
const maxHedgedBytes = 1024 * 1024

/** What a form's way depends on. */
export interface AddressedForm {
  recording: Recording
  request: { model: string; stream?: boolean | undefined }
}

/**
 * The route to a path of the worker's.
 * @throws ApiError for a form that can't be read, is too large, or isn't a request
 */
export function forwardedForm(
  path: string,
  parse: (form: MultipartForm) => AddressedForm,
  fleet: Fleet,
  limits: Limits,
): Handler<EdgeEnv> {
  return async context => {
    const request = context.req.raw
    const form = await readMultipart(request, {
      maxFileBytes: limits.maxAudioBytes,
      maxFieldBytes: limits.maxFieldBytes,
    })
    const { recording, request: asked } = parse(form)
    const { model, stream = false } = asked
    return fleet.forward({
      model,
      path,
      requestId: context.get('requestId'),
      tenant: context.get('tenant'),
      body: form.body,
      contentType: request.headers.get('content-type')!,
      trace: context.get('trace'),
      timeoutMs: timeoutMsOf(request),
      stream,
      audio: [
        recording.kind === 'sent' ? audioKeyOfFile(recording.file.bytes) : audioKeyOfFileId(recording.fileId),
      ],
      // A second try of what is long costs a worker minutes.
      hedge: !stream && recording.kind === 'sent' && recording.file.bytes.byteLength <= maxHedgedBytes,
      signal: request.signal,
      background: backgroundOf(context),
    })
  }
}
