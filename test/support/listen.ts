/** Serves an app of ours on a free port of this machine, within the test's own process. */
import type { AddressInfo } from 'node:net'
import { type ServerType, serve } from '@hono/node-server'

export interface ListeningServer {
  url: string
  server: ServerType
}

export function listen(app: {
  fetch: (request: Request) => Response | Promise<Response>
}): Promise<ListeningServer> {
  return new Promise(resolve => {
    const server = serve({ fetch: app.fetch, hostname: '127.0.0.1', port: 0 }, ({ port }: AddressInfo) => {
      resolve({ url: `http://127.0.0.1:${port}`, server })
    })
  })
}

/** Ends its connections, and resolves when it listens no more. */
export async function closeServer({ server }: ListeningServer): Promise<void> {
  const closed = new Promise(resolve => server.close(resolve))
  if ('closeAllConnections' in server) server.closeAllConnections()
  await closed
}
