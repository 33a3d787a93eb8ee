/** Headers that keep browsers from doing with an answer what it isn't for. A route may set its own before. */
import { createMiddleware } from 'hono/factory'

const headers = Object.entries({
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
})

/** Sets them on every answer. */
export const securityHeaders = createMiddleware(async (context, next) => {
  await next()
  const answer = context.res.headers
  for (const [name, value] of headers) if (!answer.has(name)) answer.set(name, value)
})
