/** Lets pages of the configured origins, and no others, read answers. */
import type { MiddlewareHandler } from 'hono'
import { cors } from 'hono/cors'

/** @param origins as browsers send them, e.g. `https://app.example`; `*` for any; none means same-origin only */
export function crossOrigin(origins: readonly string[]): MiddlewareHandler {
  if (origins.length === 0) return (_context, next) => next()
  return cors({
    origin: origins.includes('*') ? '*' : [...origins],
    allowMethods: ['GET', 'POST', 'PUT', 'DELETE'],
    // What the openai client sends from a browser (x-stainless-*), and what a caller of this API sets.
    allowHeaders: [],
    exposeHeaders: [
      'x-request-id',
      'retry-after',
      'x-should-retry',
      ...['requests', 'audio-seconds'].flatMap(what =>
        ['limit', 'remaining', 'reset'].map(name => `x-ratelimit-${name}-${what}`),
      ),
    ],
    maxAge: 3600,
  })
}
