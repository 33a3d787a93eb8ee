/** Gives every request an id. */
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import { requestIdOf } from '../protocol/request-id.ts'

/** Sets `requestId` in the context and `x-request-id` on the answer. */
export const requestId = createMiddleware<EdgeEnv>(async (context, next) => {
  const id = requestIdOf(context.req.raw)
  context.set('requestId', id)
  await next()
  // Not context.header: once there is an answer, that makes another Response of it for each header, its text a stream.
  context.res.headers.set('x-request-id', id)
})
