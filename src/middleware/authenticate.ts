/** Who asks: `Authorization: Bearer auricle_...` becomes a tenant, and what the key may do is held against the path. */
import type { MiddlewareHandler } from 'hono'
import { createMiddleware } from 'hono/factory'
import type { EdgeEnv } from '../edge-env.ts'
import type { KeyVerifier } from '../keys/verify-key.ts'
import { ApiError } from '../protocol/errors.ts'
import type { Scope } from '../protocol/keys.ts'
import { defaultTenant } from '../protocol/worker-headers.ts'

/** Scopes by the beginning of the path; every other path of /v1 takes any valid key. */
const scopes: readonly (readonly [string, Scope])[] = [
  ['/v1/admin/', 'admin'],
  ['/v1/audio/classifications', 'chat'],
  ['/v1/audio/', 'transcribe'],
  ['/v1/ngram-models', 'transcribe'],
  ['/v1/chat/', 'chat'],
  ['/v1/checkpoints/', 'chat'],
]

/** Everyone is the default tenant and may do everything but administrate: for a server that only its owner reaches. */
export const withoutKeys: MiddlewareHandler<EdgeEnv> = createMiddleware(async (context, next) => {
  if (scopeOf(context.req.path) === 'admin') {
    throw new ApiError('permission_denied', {
      message:
        'This server asks for no keys, so it knows no administrator. Set AURICLE_KEYS, or use `auricle keys`.',
    })
  }
  context.set('tenant', defaultTenant)
  context.set('keyId', null)
  await next()
})

/** Asks for a key. @throws ApiError invalid_api_key, permission_denied */
export function authenticate(keys: KeyVerifier): MiddlewareHandler<EdgeEnv> {
  return createMiddleware(async (context, next) => {
    const bearer = /^Bearer +(\S{1,256})$/i.exec(context.req.header('authorization') ?? '')?.[1]
    if (bearer === undefined) {
      throw new ApiError('invalid_api_key', {
        message: 'No API key. Send it in the header Authorization: Bearer auricle_...',
      })
    }
    const record = await keys.verify(bearer)
    if (record === null) {
      throw new ApiError('invalid_api_key', {
        message: 'The API key is not valid: it is misspelt, expired or revoked. Send another one.',
      })
    }
    const scope = scopeOf(context.req.path)
    if (scope !== null && !record.scopes.includes(scope)) {
      throw new ApiError('permission_denied', {
        message: `This API key may not do that: it lacks the scope '${scope}'. Ask for a key that has it.`,
      })
    }
    context.set('tenant', record.tenant)
    context.set('keyId', record.id)
    await next()
  })
}

/** What a key needs for a path, or null where any valid key will do. */
export function scopeOf(path: string): Scope | null {
  return scopes.find(([beginning]) => path.startsWith(beginning))?.[1] ?? null
}
