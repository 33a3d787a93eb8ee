/** `POST /v1/audio/classifications`, as JSON or as a form: checked here, forwarded byte for byte. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeyOfPart } from '../fleet/affinity.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Limits } from '../protocol/limits.ts'
import { isForm } from '../protocol/multipart.ts'
import { parseClassificationForm, parseClassificationRequest } from '../protocol/parse-classification.ts'
import { forwardedForm } from './forward-form.ts'
import { forwardedJson } from './forward-json.ts'

const path = '/v1/audio/classifications'

/** The route. @throws ApiError for a body that can't be read, is too large, or isn't a request */
export function classifications(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  const json = forwardedJson(path, fromJson, fleet, limits)
  const form = forwardedForm(path, parseClassificationForm, fleet, limits)
  return (context, next) => (isForm(context.req.raw) ? form(context, next) : json(context, next))
}

function fromJson(body: unknown) {
  const { model, audio } = parseClassificationRequest(body)
  return { model, stream: false, audio: [audioKeyOfPart(audio)] }
}
