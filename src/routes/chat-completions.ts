/** `POST /v1/chat/completions`: checked here with the schema that the worker uses, then forwarded byte for byte. */
import type { Handler } from 'hono'
import { backgroundOf } from '../background.ts'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeysOf } from '../fleet/affinity.ts'
import type { Fleet } from '../fleet/fleet.ts'
import type { Limits } from '../protocol/limits.ts'
import { parseChatCompletionRequest } from '../protocol/parse-chat-completion.ts'
import { parseJson, readBody, requireJson } from '../protocol/read-body.ts'
import { timeoutMsOf, traceHeadersOf } from '../protocol/worker-headers.ts'

/** The route. @throws ApiError for a body that can't be read, is too large, or isn't a request */
export function chatCompletions(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  return async context => {
    const request = context.req.raw
    requireJson(request)
    const body = await readBody(request, limits.maxBodyBytes)
    const { model, messages, stream = false } = parseChatCompletionRequest(parseJson(body), limits)
    return fleet.forward({
      model,
      path: '/v1/chat/completions',
      requestId: context.get('requestId'),
      tenant: context.get('tenant'),
      body,
      headers: traceHeadersOf(request),
      timeoutMs: timeoutMsOf(request),
      stream,
      audio: audioKeysOf(messages),
      signal: request.signal,
      background: backgroundOf(context),
    })
  }
}
