/** The answers to what went wrong: an error, a path that isn't there, a method that a path doesn't have. */
import type { Context, Env, Hono } from 'hono'
import { ApiError, toApiError, toErrorBody, toErrorHeaders } from './errors.ts'
import { serializeEvent } from './sse.ts'

/** An error as a response, by the catalogue. */
export function errorResponse(error: unknown, headers: Record<string, string> = {}): Response {
  return Response.json(toErrorBody(error), {
    status: toApiError(error).status,
    headers: { ...toErrorHeaders(error), 'cache-control': 'no-store', ...headers },
  })
}

/** The event that ends a stream which broke: OpenAI's clients raise what it holds. Nothing follows it. */
export function serializeErrorEvent(error: unknown): string {
  return serializeEvent({ event: 'error', data: JSON.stringify(toErrorBody(error)) })
}

/** For `app.notFound`: 405 with `Allow` where the path exists with other methods, else 404 with the nearest path. */
export function notFoundResponse<E extends Env>(app: Hono<E>, context: Context): Response {
  const path = context.req.path
  // Middleware is a route for all methods, and static files are one for all paths: neither says that a path exists.
  const routes = app.routes.filter(route => route.method !== 'ALL' && !route.path.includes('*'))
  const methods = routes.filter(route => toPattern(route.path).test(path)).map(route => route.method)
  if (methods.length > 0) {
    const allow = [...new Set(methods)].join(', ')
    const message = `${context.req.method} is not possible here. Use ${allow}.`
    return errorResponse(new ApiError('method_not_allowed', { message }), { allow })
  }
  // The usual slip: a client whose base URL lacks /v1, or has it twice.
  const guess = path.startsWith('/v1/v1/') ? path.slice(3) : `/v1${path}`
  const meant = routes.some(route => toPattern(route.path).test(guess))
  const hint = meant ? `Did you mean ${guess}?` : 'GET /openapi.json lists all paths.'
  const shown = path.length > 100 ? `${path.slice(0, 100)}…` : path
  return errorResponse(new ApiError('not_found', { message: `There is nothing at ${shown}. ${hint}` }))
}

function toPattern(routePath: string): RegExp {
  const escaped = routePath.replace(/[.+?^${}()|[\]\\]/g, '\\$&')
  return new RegExp(`^${escaped.replace(/:[^/]+/g, '[^/]+')}$`)
}
