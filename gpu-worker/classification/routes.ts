/** The worker's `POST /v1/audio/classifications`, as JSON or as a form. */
import type { Context } from 'hono'
import type { Classification, ClassificationRequest } from '../../src/protocol/classifications.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import { isForm, readMultipart } from '../../src/protocol/multipart.ts'
import {
  parseClassificationForm,
  parseClassificationRequest,
} from '../../src/protocol/parse-classification.ts'
import { parseJson, readBody, requireJson } from '../../src/protocol/read-body.ts'
import { audioSecondsHeader, tenantOf } from '../../src/protocol/worker-headers.ts'
import { patienceOf } from '../cancellation.ts'
import { paramOf, toPart } from '../conversation.ts'
import type { RequestTrace } from '../observability/request-trace.ts'
import { type ClassifyContext, classify } from './classify.ts'

/** What the route needs of the worker when a request comes. */
export type ClassificationParts = Pick<
  ClassifyContext,
  'models' | 'encoderCache' | 'audioSources' | 'labelPriors'
>

/**
 * The route.
 * @param parts called once a request; throws where the worker isn't ready
 */
export function classifications(limits: Limits, parts: () => ClassificationParts) {
  return async (
    context: Context<{ Variables: { requestId: string; trace: RequestTrace } }>,
  ): Promise<Response> => {
    const worker = parts()
    const { raw } = context.req
    const { request, param } = await readRequest(raw, limits)
    const requestId = context.get('requestId')
    const classified = await classify(request, {
      requestId,
      tenant: tenantOf(raw),
      ...worker,
      limits,
      trace: context.get('trace'),
      ...patienceOf(raw),
    }).catch((error: unknown) => {
      throw ofField(error, param)
    })
    const { label, labels, noneOfThese, results, usage } = classified
    const body: Classification = {
      id: `clsf-${requestId.replace(/^req_/, '')}`,
      object: 'audio.classification',
      created: Math.floor(Date.now() / 1000),
      model: request.model,
      label,
      labels,
      none_of_these: noneOfThese,
      results,
      usage,
    }
    return context.json(body, 200, { [audioSecondsHeader]: String(usage.audio[0]!.seconds_received) })
  }
}

/** The request, and the field that its recording came in. */
async function readRequest(
  raw: Request,
  limits: Limits,
): Promise<{ request: ClassificationRequest; param: string }> {
  if (isForm(raw)) {
    const bounds = { maxFileBytes: limits.maxAudioBytes, maxFieldBytes: limits.maxFieldBytes }
    const { request, recording } = parseClassificationForm(await readMultipart(raw, bounds))
    return { request: { ...request, audio: toPart(recording) }, param: paramOf(recording) }
  }
  requireJson(raw)
  const body = parseJson(await readBody(raw, limits.maxBodyBytes))
  return { request: parseClassificationRequest(body), param: 'audio' }
}

/** What is wrong with the recording of a form, said with the field that it came in. */
function ofField(error: unknown, param: string): unknown {
  if (param === 'audio' || !(error instanceof ApiError) || !error.param?.startsWith('audio')) return error
  const message = error.message.replaceAll(/\baudio(\.\w+)*: /g, '')
  return new ApiError(error.code, { message, param, cause: error })
}
