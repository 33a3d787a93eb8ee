/** The worker's `POST /v1/audio/transcriptions` and `/translations`. */
import type { Context } from 'hono'
import type { Limits } from '../../src/protocol/limits.ts'
import { type MultipartForm, readMultipart } from '../../src/protocol/multipart.ts'
import {
  parseTranscriptionForm,
  parseTranslationForm,
  type TranscriptionForm,
} from '../../src/protocol/parse-transcription.ts'
import { audioSecondsHeader, tenantOf } from '../../src/protocol/worker-headers.ts'
import { patienceOf } from '../cancellation.ts'
import type { RequestTrace } from '../observability/request-trace.ts'
import { eventResponse, withFirst } from '../stream/event-response.ts'
import { toTranscript, toTranscriptStream } from '../stream/transcription.ts'
import { type TranscriptionContext, type TranscriptionTask, transcribe } from './transcription.ts'

/** What a route needs of the worker when a request comes. */
export type TranscriptionParts = Pick<
  TranscriptionContext,
  'models' | 'speechModels' | 'ngramModels' | 'encoderCache' | 'grammars' | 'audioSources'
>

const parsers: Record<TranscriptionTask, (form: MultipartForm) => TranscriptionForm> = {
  transcribe: parseTranscriptionForm,
  translate: parseTranslationForm,
}

/**
 * The route of a task.
 * @param parts called once a request; throws where the worker isn't ready
 */
export function transcriptions(task: TranscriptionTask, limits: Limits, parts: () => TranscriptionParts) {
  return async (
    context: Context<{ Variables: { requestId: string; trace: RequestTrace } }>,
  ): Promise<Response> => {
    const worker = parts()
    const { raw } = context.req
    const form = parsers[task](
      await readMultipart(raw, { maxFileBytes: limits.maxAudioBytes, maxFieldBytes: limits.maxFieldBytes }),
    )
    const cancelled = new AbortController()
    const events = transcribe(form, task, {
      requestId: context.get('requestId'),
      tenant: tenantOf(raw),
      ...worker,
      limits,
      trace: context.get('trace'),
      ...patienceOf(raw, cancelled.signal),
    })
    // What is wrong with a request shows before the first event, and so still gets its own status.
    const opened = await withFirst(events)
    const { request } = form
    if (request.stream) {
      const withLogprobs = request.include?.includes('logprobs') ?? false
      const events = context.get('trace').stream(toTranscriptStream(opened, withLogprobs))
      return eventResponse(events, () => cancelled.abort())
    }
    const { contentType, body, audioSeconds } = await toTranscript(opened, request, task)
    return context.body(body, 200, {
      'content-type': contentType,
      [audioSecondsHeader]: String(audioSeconds),
    })
  }
}
