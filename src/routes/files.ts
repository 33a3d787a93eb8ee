/** `/v1/files`: what was uploaded, named by its id in any request. OpenAI's shapes. */
import { Hono } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { ApiError } from '../protocol/errors.ts'
import { type FileDeleted, type FileList, ListFilesQuery, maxFileSeconds } from '../protocol/files.ts'
import type { Limits } from '../protocol/limits.ts'
import { readMultipart, requiredFile } from '../protocol/multipart.ts'
import { toValidationError } from '../protocol/validation.ts'
import type { FileLibrary } from '../storage/file-library.ts'

/** The routes, beneath `/v1/files`. @param now Unix time in milliseconds */
export function fileRoutes(files: FileLibrary, limits: Limits, now: () => number): Hono<EdgeEnv> {
  const routes = new Hono<EdgeEnv>()

  routes.post('/', async context => {
    // A form is held in memory, and so has the limit of a transcription; /v1/uploads takes what is larger.
    const form = await readMultipart(context.req.raw, {
      maxFileBytes: limits.maxAudioBytes,
      maxFieldBytes: limits.maxFieldBytes,
    })
    const { filename, bytes } = requiredFile(form, 'file')
    const file = await files.add(context.get('tenant'), {
      filename: cleanName(filename),
      purpose: (form.fields.get('purpose')?.[0] ?? 'user_data').slice(0, 64),
      contentType: 'application/octet-stream',
      expiresAt: Math.floor(now() / 1000) + lifeSeconds(form.fields.get('expires_after[seconds]')?.[0]),
      maxBytes: limits.maxAudioBytes,
      open: async () => new Blob([bytes as Uint8Array<ArrayBuffer>]).stream(),
    })
    return context.json(file)
  })

  routes.get('/', async context => {
    const query = ListFilesQuery.safeParse(context.req.query())
    if (!query.success) throw toValidationError(query.error)
    const { limit, after } = query.data
    const { files: data, more } = await files.list(context.get('tenant'), limit, after)
    const list: FileList = {
      object: 'list',
      data,
      has_more: more,
      first_id: data[0]?.id ?? null,
      last_id: data.at(-1)?.id ?? null,
    }
    return context.json(list)
  })

  routes.get('/:id', async context =>
    context.json(await files.find(context.get('tenant'), context.req.param('id'))),
  )

  routes.get('/:id/content', async context => {
    const { info, body } = await files.open(context.get('tenant'), context.req.param('id'))
    // Never as something that a browser would open: it is whatever a caller sent.
    return new Response(body, {
      headers: {
        'content-type': 'application/octet-stream',
        'content-length': String(info.size),
        'content-disposition': 'attachment',
        'cache-control': 'no-store',
      },
    })
  })

  routes.delete('/:id', async context => {
    const id = context.req.param('id')
    await files.remove(context.get('tenant'), id)
    const deleted: FileDeleted = { id, object: 'file', deleted: true }
    return context.json(deleted)
  })
  return routes
}

/** @throws ApiError invalid_request */
function lifeSeconds(text: string | undefined): number {
  if (text === undefined) return maxFileSeconds
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : 0
  if (seconds >= 3600 && seconds <= maxFileSeconds) return seconds
  throw new ApiError('invalid_request', {
    message: `Invalid expires_after[seconds]: expected 3600 to ${maxFileSeconds}.`,
    param: 'expires_after[seconds]',
  })
}

function cleanName(filename: string): string {
  return filename.replace(/[^\w. ()-]/g, '_').slice(-255) || 'audio'
}
