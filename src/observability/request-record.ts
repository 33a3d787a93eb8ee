/** What is kept of a request: enough to find it and to count it, nothing of what was said in it. */
import type { Context, MiddlewareHandler } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { EdgeEnv } from '../edge-env.ts'

/** One request and its answer. */
export interface RequestRecord {
  requestId: string
  /** Its trace's, to find its spans by; null for what isn't of the API. */
  traceId: string | null
  tenant: string
  method: string
  /** The route's pattern, not the path: ids are not for logs. `none` where there is no route. */
  route: string
  status: number
  /** To the answer; to its first event where it is streamed. */
  durationMs: number
  streamed: boolean
}

/** Tells of each request when its answer begins. */
export function recordRequests(
  tell: (record: RequestRecord) => void,
  now: () => number,
): MiddlewareHandler<EdgeEnv> {
  return async (context, next) => {
    const startedMs = now()
    await next()
    tell({
      requestId: context.get('requestId'),
      traceId: context.get('trace')?.traceId ?? null,
      tenant: context.get('tenant') ?? 'none',
      method: context.req.method,
      route: routeOf(context),
      status: context.res.status,
      durationMs: Math.round((now() - startedMs) * 10) / 10,
      streamed: (context.res.headers.get('content-type') ?? '').startsWith('text/event-stream'),
    })
  }
}

/** The pattern of the route that a request is for. On Node all paths are the page's as well: patterns for all don't count. */
export function routeOf(context: Context<EdgeEnv>): string {
  return matchedRoutes(context).findLast(({ path }) => !path.includes('*'))?.path ?? 'none'
}
