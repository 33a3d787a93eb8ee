/** The edge on Cloudflare Workers. */
import type { ExecutionContext, Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import type { EdgeEnv } from '../../src/edge-env.ts'
import { systemClock } from '../../src/fleet/clock.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { parseList, parseWorkers } from '../../src/settings.ts'

/** Bindings and variables of wrangler.toml. */
interface Bindings {
  AURICLE_WORKERS?: string
  AURICLE_CORS_ORIGINS?: string
}

/** What an isolate knows of the workers lives as long as it does; made with the first request's variables. */
let app: Hono<EdgeEnv> | undefined

export default {
  fetch(request: Request, bindings: Bindings, context: ExecutionContext) {
    app ??= build(bindings)
    return app.fetch(request, bindings, context)
  },
}

function build(bindings: Bindings): Hono<EdgeEnv> {
  const workers = parseWorkers(bindings.AURICLE_WORKERS ?? '')
  const fleet = new Fleet({
    addresses: () => workers,
    // workerd's fetch must not be called as a method of something else.
    fetch: (input, init) => fetch(input, init),
    clock: systemClock,
  })
  return createApp({
    fleet,
    corsOrigins: parseList(bindings.AURICLE_CORS_ORIGINS ?? ''),
    report: (error, requestId) =>
      console.error(JSON.stringify({ event: 'error', requestId, error: String(error) })),
  })
}
