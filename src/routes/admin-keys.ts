/** `/v1/admin/keys` and `/v1/admin/audit`, for keys with the scope `admin`. */
import { Hono } from 'hono'
import type * as z from 'zod'
import type { EdgeEnv } from '../edge-env.ts'
import type { Actor, KeyRing } from '../keys/key-ring.ts'
import { type AuditList, CreateKeyRequest, type KeyList, RotateKeyRequest } from '../protocol/keys.ts'
import { parseJson, readBody, requireJson } from '../protocol/read-body.ts'
import { toValidationError } from '../protocol/validation.ts'

const maxBodyBytes = 16 * 1024

/** The routes, beneath `/v1/admin`. */
export function adminRoutes(ring: KeyRing): Hono<EdgeEnv> {
  const admin = new Hono<EdgeEnv>()
  const actorOf = (context: {
    get<K extends 'keyId' | 'requestId'>(name: K): EdgeEnv['Variables'][K]
  }): Actor => ({
    actor: context.get('keyId') ?? 'unknown',
    requestId: context.get('requestId'),
  })

  admin.post('/keys', async context => {
    const request = await readRequest(context.req.raw, CreateKeyRequest)
    return context.json(await ring.create(request, actorOf(context)))
  })
  admin.get('/keys', async context => {
    const list: KeyList = { object: 'list', data: await ring.list() }
    return context.json(list)
  })
  admin.post('/keys/:id/rotate', async context => {
    const { overlap } = await readRequest(context.req.raw, RotateKeyRequest)
    return context.json(await ring.rotate(context.req.param('id'), overlap, actorOf(context)))
  })
  admin.delete('/keys/:id', async context =>
    context.json(await ring.revoke(context.req.param('id'), actorOf(context))),
  )
  admin.get('/audit', async context => {
    const list: AuditList = { object: 'list', data: await ring.audit() }
    return context.json(list)
  })
  return admin
}

async function readRequest<T extends z.ZodType>(request: Request, schema: T): Promise<z.infer<T>> {
  requireJson(request)
  const parsed = schema.safeParse(parseJson(await readBody(request, maxBodyBytes)))
  if (!parsed.success) throw toValidationError(parsed.error)
  return parsed.data
}
