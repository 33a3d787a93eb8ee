/** The environment of `npm start`, parsed once. */
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import type { WorkerAddress } from '../../src/fleet/choose.ts'
import { isLoopback, parseList, parseWorkers } from '../../src/settings.ts'
import { defaultStoreLocation } from '../../src/storage/open-store.ts'

/** What `npm start` was told. */
export interface LocalConfiguration {
  /** 0 takes any free port. */
  port: number
  host: string
  /** Workers that run already; when there is none, one is started. */
  workers: readonly WorkerAddress[]
  corsOrigins: readonly string[]
  /** Which keys let in: those of the object store, or records as JSON; null asks for none. */
  keys: string | null
  /** Where objects are kept; see `openStore`. */
  store: string
}

const defaultPort = 8080

const Environment = z.object({
  PORT: z.coerce.number<string>('expected a number').int().min(0).max(65535).default(defaultPort),
  HOST: z.string().min(1).default('127.0.0.1'),
  AURICLE_ALLOW_REMOTE: z.enum(['0', '1', '']).default('0'),
  AURICLE_WORKERS: z.string().default(''),
  AURICLE_CORS_ORIGINS: z.string().default(''),
  AURICLE_KEYS: z.string().default(''),
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
  const { PORT, HOST, AURICLE_ALLOW_REMOTE, AURICLE_WORKERS, AURICLE_CORS_ORIGINS, AURICLE_KEYS } =
    parsed.data
  if (!isLoopback(HOST) && AURICLE_KEYS === '' && AURICLE_ALLOW_REMOTE !== '1') {
    throw new Error(
      `HOST=${HOST} would let other machines in, and this server asks nobody for a key. ` +
        'Leave HOST out to serve this machine alone; or make keys (`auricle keys create`) and set AURICLE_KEYS=store; ' +
        'or set AURICLE_ALLOW_REMOTE=1 if something in front of it decides who may call.',
    )
  }
  return {
    port: PORT,
    host: HOST,
    workers: parseWorkers(AURICLE_WORKERS),
    corsOrigins: parseList(AURICLE_CORS_ORIGINS),
    keys: AURICLE_KEYS === '' ? null : AURICLE_KEYS,
    store: storeLocation(environment),
  }
}

/** The value of AURICLE_STORE, or the folder that edge, worker and command line of a checkout share. */
export function storeLocation(environment: Record<string, string | undefined>): string {
  const checkout = fileURLToPath(new URL(`../../${defaultStoreLocation}`, import.meta.url))
  return environment['AURICLE_STORE'] || checkout
}
