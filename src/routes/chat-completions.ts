/** `POST /v1/chat/completions`: checked here where it is small, forwarded byte for byte. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeysOf } from '../fleet/affinity.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Limits } from '../protocol/limits.ts'
import { parseChatCompletionRequest } from '../protocol/parse-chat-completion.ts'
import { forwardedJson } from './forward-json.ts'

/** The route. @throws ApiError for a body that can't be read, is too large, or isn't a request */
export function chatCompletions(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  const parse = (body: unknown) => {
    const { model, messages, stream = false } = parseChatCompletionRequest(body, limits)
    return { model, stream, audio: audioKeysOf(messages) }
  }
  return forwardedJson('/v1/chat/completions', parse, fleet, limits)
}
