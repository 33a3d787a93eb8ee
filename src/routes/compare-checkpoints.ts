/** `POST /v1/checkpoints/compare`: checked here where it is small, forwarded byte for byte. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { audioKeysOf } from '../fleet/affinity.ts'
import type { Fleet } from '../fleet/fleet.ts'
import { parseCheckpointComparison } from '../protocol/checkpoint-comparisons.ts'
import type { Limits } from '../protocol/limits.ts'
import { forwardedJson } from './forward-json.ts'

/** The route. @throws ApiError for a body that can't be read, is too large, or isn't a request */
export function compareCheckpoints(fleet: Fleet, limits: Limits): Handler<EdgeEnv> {
  const parse = (body: unknown) => {
    const { model, messages } = parseCheckpointComparison(body, limits).chat
    return { model, stream: false, audio: audioKeysOf(messages) }
  }
  return forwardedJson('/v1/checkpoints/compare', parse, fleet, limits)
}
