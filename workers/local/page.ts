/** Serves the files of web/ next to the API: the page at `/`. */
import { fileURLToPath } from 'node:url'
import { serveStatic } from '@hono/node-server/serve-static'
import { Hono } from 'hono'

/** The page may run its own scripts, play what was recorded, and use the microphone; nothing from elsewhere. */
const pageHeaders: Record<string, string> = {
  'content-security-policy':
    "default-src 'self'; media-src 'self' blob:; img-src 'self' data: blob:; worker-src 'self' blob:; " +
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
  'permissions-policy': 'microphone=(self), camera=(), geolocation=()',
  'cache-control': 'no-cache',
}

/** Root of the page's files. */
const webRoot = fileURLToPath(new URL('../../web/', import.meta.url))

/** The app with the page beneath it: `/` and what lies in web/; everything else stays the API's. */
export function servePage(root: string = webRoot): Hono {
  const page = new Hono()
  page.use(async (context, next) => {
    await next()
    if (!context.res.ok) return
    for (const [name, value] of Object.entries(pageHeaders)) context.header(name, value)
  })
  page.get('*', serveStatic({ root }))
  return page
}
