/** `GET /healthz`: the edge lives. `GET /readyz`: some worker can answer. */
import type { Handler } from 'hono'
import type { Fleet } from '../fleet/fleet.ts'
import type { Health } from '../protocol/health.ts'

/** Always 200. */
export const health: Handler = context => {
  const body: Health = { status: 'ok' }
  return context.json(body)
}

/** 200 when a worker is ready, else 503, with the same body. */
export function readiness(fleet: Fleet): Handler {
  return async context => {
    const body = await fleet.readiness()
    return context.json(body, body.status === 'ready' ? 200 : 503)
  }
}
