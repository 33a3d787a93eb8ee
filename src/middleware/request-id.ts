/** Gives every request an id: the caller's own where it is safe to repeat, else a new one. */
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'

/** Sets `requestId` in the context and `x-request-id` on the answer. */
export const requestId = createMiddleware<EdgeEnv>(async (context, next) => {
  const sent = context.req.header('x-request-id')
  const id = sent !== undefined && /^[\w.-]{1,128}$/.test(sent) ? sent : `req_${crypto.randomUUID()}`
  context.set('requestId', id)
  await next()
  context.header('x-request-id', id)
})
