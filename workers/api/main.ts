/** The edge on Cloudflare Workers. */
import type {
  DurableObjectNamespace,
  DurableObjectState,
  KVNamespace,
  R2Bucket,
} from '@cloudflare/workers-types'
import type { ExecutionContext, Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import type { EdgeEnv } from '../../src/edge-env.ts'
import { systemClock } from '../../src/fleet/clock.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { type FleetVariables, parseFleetSettings } from '../../src/fleet/settings.ts'
import { createStarter } from '../../src/fleet/starter.ts'
import { sha256Hex } from '../../src/keys/api-key.ts'
import { openKeys, StoredKeys } from '../../src/keys/key-store.ts'
import { KvKeys } from '../../src/keys/kv-keys.ts'
import { KeyVerifier } from '../../src/keys/verify-key.ts'
import { InProcessRateLimiter } from '../../src/limits/rate-limiter.ts'
import { parseLimits } from '../../src/limits/tenant-limits.ts'
import { errorResponse } from '../../src/protocol/error-response.ts'
import { ApiError } from '../../src/protocol/errors.ts'
import { workersLimits } from '../../src/protocol/limits.ts'
import { isLoopback, parseList } from '../../src/settings.ts'
import { FileLibrary } from '../../src/storage/file-library.ts'
import { MemoryStore } from '../../src/storage/memory-store.ts'
import type { ObjectStore } from '../../src/storage/object-store.ts'
import { R2Store } from '../../src/storage/r2-store.ts'
import { directoryOf } from '../fleet/fleet-directory.ts'
import { type Containers, containerFetch } from './container-fetch.ts'
import { DurableRateLimiter } from './tenant-usage-object.ts'

export { FleetDirectory } from '../fleet/fleet-directory.ts'
export { TenantUsageObject } from './tenant-usage-object.ts'

/** Bindings and variables of wrangler.toml. */
interface Bindings extends FleetVariables {
  AURICLE_CORS_ORIGINS?: string
  /** `store`, or a JSON array of key records, as a secret; without it, only `wrangler dev` answers. */
  AURICLE_KEYS?: string
  /** Where keys are kept that `store` means; without it, in the bucket. */
  AURICLE_KEYS_KV?: KVNamespace
  /** Limits of the tenants (`parseLimits`). */
  AURICLE_LIMITS?: string
  AURICLE_STORE?: R2Bucket
  AURICLE_TENANT_USAGE?: DurableObjectNamespace
  AURICLE_IDEMPOTENCY?: DurableObjectNamespace
  AURICLE_FLEET?: DurableObjectNamespace
  /** Workers in containers, each of the list as `http://NAME.container`. */
  AURICLE_CONTAINERS?: Containers
}

/** What an isolate knows of the workers lives as long as it does; made with the first request's variables. */
let app: Hono<EdgeEnv> | undefined

export default {
  fetch(request: Request, bindings: Bindings, context: ExecutionContext) {
    const { hostname, pathname } = new URL(request.url)
    if (!bindings.AURICLE_KEYS && pathname.startsWith('/v1/') && !isLoopback(hostname)) {
      return errorResponse(
        new ApiError('invalid_api_key', {
          message: 'No key is configured here, so nobody is let in. Set the secret AURICLE_KEYS.',
        }),
      )
    }
    return serve(request, bindings, context)
  },

  /** By the cron trigger of wrangler.toml. */
  async scheduled(_event: unknown, bindings: Bindings) {
    await new FileLibrary(storeOf(bindings), Date.now).sweep()
  },
}

function build(bindings: Bindings): Hono<EdgeEnv> {
  const { workers, secrets, starter, maxWaitMs } = parseFleetSettings(bindings)
  // workerd's fetch must not be called as a method of something else.
  const outside = {
    fetch: containerFetch(bindings.AURICLE_CONTAINERS, (input: RequestInfo | URL, init?: RequestInit) =>
      fetch(input, init),
    ),
    clock: systemClock,
  }
  const directory = secrets.length > 0 && bindings.AURICLE_FLEET ? directoryOf(bindings.AURICLE_FLEET) : null
  const store = storeOf(bindings)
  const fleet = new Fleet({
    addresses: () => workers,
    ...outside,
    ...(directory && { directory }),
    ...(starter && { starter: createStarter(starter, outside) }),
    ...(maxWaitMs && { maxWaitMs }),
    files: new FileLibrary(store, Date.now),
    observe: event => {
      // One line a request is enough where each costs; what went otherwise than planned is worth another.
      if (event.type !== 'attempt') console.log(JSON.stringify({ event: event.type, ...event }))
    },
  })
  const keyRecords = bindings.AURICLE_KEYS_KV ? new KvKeys(bindings.AURICLE_KEYS_KV) : new StoredKeys(store)
  return createApp({
    fleet,
    ...(directory && { directory }),
    limits: workersLimits,
    store,
    rates: ratesOf(bindings),
    keys: bindings.AURICLE_KEYS
      ? new KeyVerifier(openKeys(bindings.AURICLE_KEYS, keyRecords), Date.now)
      : null,
    keyRecords,
    corsOrigins: parseList(bindings.AURICLE_CORS_ORIGINS ?? ''),
    record: record => console.log(JSON.stringify({ event: 'request', ...record })),
    report: (error, requestId) =>
      console.error(JSON.stringify({ event: 'error', requestId, error: String(error) })),
  })
}

/** A request under an Idempotency-Key is done in the Durable Object of that key: there is one, wherever requests come in. */
async function serve(request: Request, bindings: Bindings, context: ExecutionContext): Promise<Response> {
  const key = request.headers.get('idempotency-key')
  const namespace = bindings.AURICLE_IDEMPOTENCY
  if (key !== null && namespace !== undefined) {
    const name = await sha256Hex(`${request.headers.get('authorization')}\n${key}`)
    const object = namespace.get(namespace.idFromName(name))
    return object.fetch(request as never) as unknown as Promise<Response>
  }
  app ??= build(bindings)
  return app.fetch(request, bindings, context)
}

/** The edge itself, where all requests of one Idempotency-Key come together. */
export class IdempotencyObject {
  readonly #bindings: Bindings

  constructor(_state: DurableObjectState, bindings: Bindings) {
    this.#bindings = bindings
  }

  async fetch(request: Request): Promise<Response> {
    app ??= build(this.#bindings)
    return app.fetch(request, this.#bindings)
  }
}

function storeOf({ AURICLE_STORE: bucket }: Bindings): ObjectStore {
  return bucket === undefined ? new MemoryStore() : new R2Store(bucket)
}

/** Without the Durable Object each isolate counts for itself, which limits a little more loosely. */
function ratesOf(bindings: Bindings) {
  if (!bindings.AURICLE_LIMITS) return null
  const limitsOf = parseLimits(bindings.AURICLE_LIMITS)
  const namespace = bindings.AURICLE_TENANT_USAGE
  const limiter = namespace ? new DurableRateLimiter(namespace) : new InProcessRateLimiter(Date.now)
  return { limiter, limitsOf }
}
