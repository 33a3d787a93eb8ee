/** A real Redis (or Valkey) server, with nothing in it. `scripts/install-test-servers.sh` installs it. */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createClient } from '@redis/client'
import { freePort } from './free-port.ts'

export interface RedisServer {
  url: string
  /** Ends it and forgets everything. */
  stop(): Promise<void>
  /** On the same port as before, empty. */
  start(): Promise<void>
  /** Keeps its connections and does nothing, until `resume`. */
  pause(): void
  resume(): void
}

export async function startRedisServer(): Promise<RedisServer> {
  const port = await freePort()
  const url = `redis://127.0.0.1:${port}`
  let server = await launch(port, url)
  return {
    url,
    async start() {
      server = await launch(port, url)
    },
    pause: () => void server.kill('SIGSTOP'),
    resume: () => void server.kill('SIGCONT'),
    async stop() {
      const exited = once(server, 'close')
      server.kill('SIGKILL')
      await exited
    },
  }
}

async function launch(port: number, url: string) {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no']
  const server = spawn(process.env['REDIS_SERVER'] ?? 'redis-server', settings, {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  const failed = once(server, 'error').then(() => {
    throw new Error('redis-server is missing: run scripts/install-test-servers.sh')
  })
  failed.catch(() => {})
  // Asks until it answers.
  const client = createClient({ url, socket: { reconnectStrategy: () => 20 } }).on('error', () => {})
  await Promise.race([client.connect(), failed])
  client.destroy()
  return server
}
