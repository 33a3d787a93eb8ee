/** Ends a server without losing what it has begun. */
import type { Server } from 'node:http'

/**
 * To be called before the first request comes. What it returns closes the server once nothing is under way any more; until
 * then it listens, so that whoever asks is told that it goes, and that it is alive.
 */
export function drainable(server: Server): () => Promise<void> {
  let underWay = 0
  let idle: (() => void) | null = null
  server.on('request', (_request, response) => {
    underWay++
    response.once('close', () => {
      if (--underWay === 0) idle?.()
    })
  })
  return async () => {
    if (underWay > 0) await new Promise<void>(resolve => (idle = resolve))
    await new Promise(resolve => server.close(resolve))
  }
}
