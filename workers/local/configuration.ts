/** The environment of `npm start`, parsed once. */
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { type FleetSettings, parseFleetSettings } from '../../src/fleet/settings.ts'
import { isLoopback, parseList } from '../../src/settings.ts'
import { defaultStoreLocation } from '../../src/storage/open-store.ts'

/** What `npm start` was told. */
export interface LocalConfiguration {
  /** 0 takes any free port. */
  port: number
  host: string
  /** Workers that run already, register, or are started elsewhere; where there is none of that, one is started here. */
  fleet: FleetSettings
  corsOrigins: readonly string[]
  /** pino's: `debug`, `info`, `warn`, `error` or `silent`. */
  logLevel: string
  /** Where `GET /metrics` is served, 0 for any free port; null: nowhere. */
  metricsPort: number | null
  /** Which keys let in: those of the object store, or records as JSON; null asks for none. */
  keys: string | null
  /** Limits of the tenants (`parseLimits`); null: none. */
  limits: string | null
  /** URL of the Redis in which edges count together; null: this process counts. */
  limitsStore: string | null
  /** Where objects are kept; see `openStore`. */
  store: string
  /** Name under which spans go to an OpenTelemetry collector; null: they don't. */
  otlpServiceName: string | null
}

const defaultPort = 8080

const Environment = z.object({
  PORT: z.coerce.number<string>('expected a number').int().min(0).max(65535).default(defaultPort),
  HOST: z.string().min(1).default('127.0.0.1'),
  AURICLE_ALLOW_REMOTE: z.enum(['0', '1', '']).default('0'),
  AURICLE_CORS_ORIGINS: z.string().default(''),
  AURICLE_LOG_LEVEL: z.enum(['debug', 'info', 'warn', 'error', 'silent']).default('warn'),
  AURICLE_METRICS_PORT: z.coerce.number<string>('expected a number').int().min(0).max(65535).optional(),
  AURICLE_KEYS: z.string().default(''),
  AURICLE_LIMITS: z.string().default(''),
  OTEL_EXPORTER_OTLP_ENDPOINT: z.union([z.literal(''), z.url()]).default(''),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.union([z.literal(''), z.url()]).default(''),
  OTEL_SERVICE_NAME: z.string().default('auricle-edge'),
  AURICLE_LIMITS_STORE: z
    .string()
    .regex(/^(rediss?:\/\/.+)?$/, 'expected a URL such as redis://redis:6379/0')
    .default(''),
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
  const env = parsed.data
  if (!isLoopback(env.HOST) && env.AURICLE_KEYS === '' && env.AURICLE_ALLOW_REMOTE !== '1') {
    throw new Error(
      `HOST=${env.HOST} would let other machines in, and this server asks nobody for a key. ` +
        'Leave HOST out to serve this machine alone; or make keys (`auricle keys create`) and set AURICLE_KEYS=store; ' +
        'or set AURICLE_ALLOW_REMOTE=1 if something in front of it decides who may call.',
    )
  }
  return {
    port: env.PORT,
    host: env.HOST,
    fleet: parseFleetSettings(environment),
    corsOrigins: parseList(env.AURICLE_CORS_ORIGINS),
    logLevel: env.AURICLE_LOG_LEVEL,
    metricsPort: env.AURICLE_METRICS_PORT ?? null,
    keys: env.AURICLE_KEYS === '' ? null : env.AURICLE_KEYS,
    limits: env.AURICLE_LIMITS === '' ? null : env.AURICLE_LIMITS,
    limitsStore: env.AURICLE_LIMITS_STORE === '' ? null : env.AURICLE_LIMITS_STORE,
    store: storeLocation(environment),
    otlpServiceName:
      env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
        ? env.OTEL_SERVICE_NAME
        : null,
  }
}

/** The value of AURICLE_STORE, or the folder that edge, worker and command line of a checkout share. */
export function storeLocation(environment: Record<string, string | undefined>): string {
  const checkout = fileURLToPath(new URL(`../../${defaultStoreLocation}`, import.meta.url))
  return environment['AURICLE_STORE'] || checkout
}
