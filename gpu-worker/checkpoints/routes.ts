/** The worker's `POST /v1/checkpoints/compare`. */
import type { Context } from 'hono'
import {
  type CheckpointComparison,
  parseCheckpointComparison,
} from '../../src/protocol/checkpoint-comparisons.ts'
import type { Limits } from '../../src/protocol/limits.ts'
import { parseJson, readBody, requireJson } from '../../src/protocol/read-body.ts'
import { audioSecondsHeader, tenantOf } from '../../src/protocol/worker-headers.ts'
import { patienceOf } from '../cancellation.ts'
import type { GenerateContext } from '../generate.ts'
import type { RequestTrace } from '../observability/request-trace.ts'
import { compareCheckpoints } from './compare-checkpoints.ts'

/** What the route needs of the worker when a request comes. */
export type ComparisonParts = Pick<
  GenerateContext,
  'models' | 'encoderCache' | 'audioSources' | 'grammars' | 'ngramModels'
>

/**
 * The route.
 * @param parts called once a request; throws where the worker isn't ready
 */
export function checkpointComparisons(limits: Limits, parts: () => ComparisonParts) {
  return async (
    context: Context<{ Variables: { requestId: string; trace: RequestTrace } }>,
  ): Promise<Response> => {
    const worker = parts()
    const { raw } = context.req
    requireJson(raw)
    const asked = parseCheckpointComparison(parseJson(await readBody(raw, limits.maxBodyBytes)), limits)
    const requestId = context.get('requestId')
    const compared = await compareCheckpoints(asked, {
      requestId,
      tenant: tenantOf(raw),
      ...worker,
      limits,
      trace: context.get('trace'),
      ...patienceOf(raw),
    })
    const body: CheckpointComparison = {
      id: `cmp-${requestId.replace(/^req_/, '')}`,
      object: 'checkpoint.comparison',
      created: Math.floor(Date.now() / 1000),
      model: asked.chat.model,
      reference: asked.reference,
      beta: asked.beta,
      ...compared,
    }
    const seconds = body.usage.audio.reduce((sum, { seconds_received }) => sum + seconds_received, 0)
    return context.json(body, 200, { [audioSecondsHeader]: String(seconds) })
  }
}
