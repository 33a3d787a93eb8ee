/** `POST /v1/audio/transcriptions` and `/translations`: checked here, forwarded byte for byte. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Limits } from '../protocol/limits.ts'
import { parseTranscriptionForm, parseTranslationForm } from '../protocol/parse-transcription.ts'
import { forwardedForm } from './forward-form.ts'

/** The route that transcribes. @throws ApiError for a form that can't be read, is too large, or isn't a request */
export function transcriptions(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  return forwardedForm('/v1/audio/transcriptions', parseTranscriptionForm, fleet, limits)
}

/** The route that translates into English. @throws ApiError as `transcriptions` */
export function translations(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  return forwardedForm('/v1/audio/translations', parseTranslationForm, fleet, limits)
}
