/** The environment of `npm start`, parsed once. */
import * as z from 'zod'
import type { WorkerAddress } from '../../src/fleet/choose.ts'
import { parseList, parseWorkers } from '../../src/settings.ts'

/** What `npm start` was told. */
export interface LocalConfiguration {
  /** 0 takes any free port. */
  port: number
  host: string
  /** Workers that run already; when there is none, one is started. */
  workers: readonly WorkerAddress[]
  corsOrigins: readonly string[]
}

const defaultPort = 8080

const Environment = z.object({
  PORT: z.coerce.number<string>('expected a number').int().min(0).max(65535).default(defaultPort),
  HOST: z.string().min(1).default('127.0.0.1'),
  AURICLE_ALLOW_REMOTE: z.enum(['0', '1', '']).default('0'),
  AURICLE_WORKERS: z.string().default(''),
  AURICLE_CORS_ORIGINS: z.string().default(''),
})

/**
 * Reads the configuration.
 * @throws Error with a message for whoever started the server
 */
export function readConfiguration(environment: Record<string, string | undefined>): LocalConfiguration {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) {
    const issue = parsed.error.issues[0]!
    throw new Error(`${issue.path.join('.')}: ${issue.message}`)
  }
  const { PORT, HOST, AURICLE_ALLOW_REMOTE, AURICLE_WORKERS, AURICLE_CORS_ORIGINS } = parsed.data
  if (!isLoopback(HOST) && AURICLE_ALLOW_REMOTE !== '1') {
    throw new Error(
      `HOST=${HOST} would let other machines in, and this server asks nobody for a key. ` +
        'Leave HOST out to serve this machine alone, or set AURICLE_ALLOW_REMOTE=1 if something in front of it decides who may call.',
    )
  }
  return {
    port: PORT,
    host: HOST,
    workers: parseWorkers(AURICLE_WORKERS),
    corsOrigins: parseList(AURICLE_CORS_ORIGINS),
  }
}

/** Whether only this machine can reach a host name or address. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)
}
