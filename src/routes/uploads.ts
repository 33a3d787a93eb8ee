/** `/v1/uploads`: a file in parts, as OpenAI has it, or at once, straight to where it is kept (ours). */
import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { ApiError } from '../protocol/errors.ts'
import {
  CompleteUploadRequest,
  CreateUploadRequest,
  type DirectUpload,
  maxPartBytes,
  type Upload,
  type UploadPartList,
} from '../protocol/files.ts'
import { readMultipart, requiredFile } from '../protocol/multipart.ts'
import { parseJson, readBody, requireJson } from '../protocol/read-body.ts'
import { toValidationError } from '../protocol/validation.ts'
import type { ObjectStore } from '../storage/object-store.ts'
import { type UploadLibrary, type UploadRecord, wholeKey } from '../storage/upload-library.ts'

const maxRequestBytes = 256 * 1024

/** The routes, beneath `/v1/uploads`. @param store where it can't take a file from the client, the edge does */
export function uploadRoutes(uploads: UploadLibrary, store: ObjectStore): Hono<EdgeEnv> {
  const routes = new Hono<EdgeEnv>()

  routes.post('/', async context => {
    const request = CreateUploadRequest.safeParse(await readJson(context.req.raw))
    if (!request.success) throw toValidationError(request.error)
    const tenant = context.get('tenant')
    const record = await uploads.create(tenant, request.data)
    const file = { bytes: record.bytes, contentType: record.mime_type }
    const direct: DirectUpload =
      store.presign === undefined
        ? {
            method: 'PUT',
            url: `${new URL(context.req.url).origin}/v1/uploads/${record.id}/content`,
            fields: null,
          }
        : await store.presign(wholeKey(tenant, record.id), file)
    return context.json(toUpload(record, direct))
  })

  routes.get('/:id', async context =>
    context.json(toUpload(await uploads.find(context.get('tenant'), context.req.param('id')))),
  )

  routes.put('/:id/content', async context => {
    const { body } = context.req.raw
    if (body === null)
      throw new ApiError('upload_incomplete', { message: 'The body is empty. Send the file.' })
    return context.json(
      toUpload(await uploads.putWhole(context.get('tenant'), context.req.param('id'), body)),
    )
  })

  routes.get('/:id/parts', async context => {
    await uploads.find(context.get('tenant'), context.req.param('id'))
    const data = await uploads.parts(context.get('tenant'), context.req.param('id'))
    const list: UploadPartList = { object: 'list', data }
    return context.json(list)
  })

  routes.post('/:id/parts', async context => {
    const { raw } = context.req
    const type = raw.headers.get('content-type') ?? ''
    // OpenAI sends a form with the field `data`; the bytes alone are streamed to where they are kept.
    const body = type.startsWith('multipart/')
      ? requiredFile(await readMultipart(raw, { maxFileBytes: maxPartBytes, maxFieldBytes: 4096 }), 'data')
          .bytes
      : (raw.body ?? new Uint8Array(0))
    return context.json(await uploads.addPart(context.get('tenant'), context.req.param('id'), body))
  })

  routes.post('/:id/complete', async context => {
    const request = CompleteUploadRequest.safeParse(await readJson(context.req.raw))
    if (!request.success) throw toValidationError(request.error)
    const record = await uploads.complete(context.get('tenant'), context.req.param('id'), request.data)
    return context.json(toUpload(record))
  })

  routes.post('/:id/cancel', async context =>
    context.json(toUpload(await uploads.cancel(context.get('tenant'), context.req.param('id')))),
  )
  return routes
}

async function readJson(request: Request): Promise<unknown> {
  requireJson(request)
  return parseJson(await readBody(request, maxRequestBytes))
}

function toUpload(record: UploadRecord, direct: DirectUpload | null = null): Upload {
  const { id, bytes, created_at, expires_at, filename, purpose, status, file } = record
  return { id, object: 'upload', bytes, created_at, expires_at, filename, purpose, status, file, direct }
}
