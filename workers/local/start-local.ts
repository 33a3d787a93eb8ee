/** Puts the edge, the page and a worker process together on one port. */
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createAdaptorServer } from '@hono/node-server'
import { Hono } from 'hono'
import { createApp } from '../../src/app.ts'
import { systemClock } from '../../src/fleet/clock.ts'
import { MemoryDirectory } from '../../src/fleet/directory.ts'
import { Fleet } from '../../src/fleet/fleet.ts'
import { createStarter } from '../../src/fleet/starter.ts'
import { openKeys, StoredKeys } from '../../src/keys/key-store.ts'
import { KeyVerifier } from '../../src/keys/verify-key.ts'
import { InProcessRateLimiter } from '../../src/limits/rate-limiter.ts'
import { parseLimits } from '../../src/limits/tenant-limits.ts'
import { EdgeMetrics } from '../../src/observability/edge-metrics.ts'
import { isLoopback } from '../../src/settings.ts'
import { FileLibrary } from '../../src/storage/file-library.ts'
import { openStore } from '../../src/storage/open-store.ts'
import type { LocalConfiguration } from './configuration.ts'
import { createLog } from './logger.ts'
import { trainNgramModel } from './ngram-training.ts'
import { servePage } from './page.ts'
import { createWorkerFetch } from './worker-fetch.ts'
import { defaultWorkerScript, WorkerProcess } from './worker-process.ts'

/** A server that runs. */
export interface LocalServer {
  /** Base URL without a path, e.g. `http://127.0.0.1:8080`. */
  url: string
  /** Resolves when a worker is ready, so that `GET /v1/models` answers. */
  ready(): Promise<void>
  /** What to print then: where it is, and how to ask it. */
  banner(): string
  /** Takes no new request, finishes those at hand, ends the worker. */
  stop(): Promise<void>
}

/** How long `stop` waits for answers that are still being streamed. */
const drainMs = 30_000
const readinessPollMs = 50
const sweepEveryMs = 3_600_000

/**
 * Starts the server; it listens when this resolves.
 * @param environment what the worker process inherits
 * @throws Error when the port is taken or the host is not ours
 */
export async function startLocal(
  configuration: LocalConfiguration,
  environment: NodeJS.ProcessEnv,
): Promise<LocalServer> {
  const log = createLog(configuration.logLevel)
  const store = await openStore(configuration.store, environment)
  const keys =
    configuration.keys === null
      ? null
      : new KeyVerifier(openKeys(configuration.keys, new StoredKeys(store)), Date.now)
  const { workers, secrets, starter, maxWaitMs } = configuration.fleet
  const isServedElsewhere = workers.length > 0 || secrets.length > 0 || starter !== null
  const own = isServedElsewhere ? null : startWorker(environment)
  const directory = secrets.length === 0 ? null : new MemoryDirectory({ secrets, clock: systemClock })
  const outside = {
    fetch: (input: RequestInfo | URL, init?: RequestInit) => fetch(input, init),
    clock: systemClock,
  }
  const fleet = new Fleet({
    addresses: () => own?.addresses() ?? workers,
    fetch: createWorkerFetch(),
    clock: systemClock,
    ...(directory && { directory }),
    ...(starter && { starter: createStarter(starter, outside) }),
    ...(maxWaitMs && { maxWaitMs }),
    files: new FileLibrary(store, Date.now),
    observe: event => {
      metrics.fleet(event)
      log.fleet(event)
    },
  })
  // What most servers don't need isn't loaded by them: Redis' client takes a third of a second.
  const redis =
    configuration.limits === null || configuration.limitsStore === null
      ? null
      : new (await import('./redis-rate-limiter.ts')).RedisRateLimiter({
          url: configuration.limitsStore,
          onLost: error => log.limitsStoreLost(error),
        })
  const traces =
    configuration.otlpServiceName === null
      ? null
      : new (await import('./otlp-traces.ts')).EdgeOtlpTraces(configuration.otlpServiceName)
  const metrics = new EdgeMetrics(() => fleet.workers())
  const app = createApp({
    fleet,
    ...(directory && { directory }),
    corsOrigins: configuration.corsOrigins,
    keys,
    rates:
      configuration.limits === null
        ? null
        : {
            limiter: redis ?? new InProcessRateLimiter(() => performance.now()),
            limitsOf: parseLimits(configuration.limits),
          },
    store,
    tellSpans: traces && (spans => traces.tell(spans)),
    trainNgramModel,
    record: record => {
      metrics.request(record)
      log.request(record)
    },
    report: (error, requestId) => log.error(error, requestId),
  })
  app.route('/', servePage())

  // What has expired is refused at once; its bytes go within the hour.
  const sweeping = setInterval(() => {
    new FileLibrary(store, Date.now).sweep().catch(error => console.error('sweeping:', error))
  }, sweepEveryMs).unref()

  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  let stopped = false
  let scraped: Server | null = null
  try {
    await listen(server, configuration)
    scraped = await serveMetrics(metrics, configuration)
  } catch (error) {
    await own?.stop()
    throw error
  }
  const { port } = server.address() as AddressInfo
  const url = `http://${shownHost(configuration.host)}:${port}`

  return {
    url,
    async ready() {
      while (!stopped && (await fleet.readiness()).status !== 'ready') {
        await new Promise(resolve => setTimeout(resolve, readinessPollMs))
      }
    },
    banner: () => banner(url, configuration),
    async stop() {
      stopped = true
      clearInterval(sweeping)
      scraped?.close()
      const closed = new Promise<void>(resolve => server.close(() => resolve()))
      // A connection whose answer ends now would be kept open for a next request that nobody will take.
      const sweep = setInterval(() => server.closeIdleConnections(), 50)
      const limit = setTimeout(() => server.closeAllConnections(), drainMs)
      await closed
      clearInterval(sweep)
      clearTimeout(limit)
      await redis?.close()
      await traces?.close()
      await own?.stop()
    },
  }
}

/** On a port of its own: who may ask the API needn't know how busy it is. */
async function serveMetrics(metrics: EdgeMetrics, configuration: LocalConfiguration): Promise<Server | null> {
  const { metricsPort, host } = configuration
  if (metricsPort === null) return null
  const app = new Hono()
  app.get('/metrics', context =>
    context.text(metrics.text(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' }),
  )
  const server = createAdaptorServer({ fetch: app.fetch }) as Server
  await listen(server, { port: metricsPort, host })
  return server
}

function startWorker(environment: NodeJS.ProcessEnv): WorkerProcess {
  const worker = new WorkerProcess({
    script: environment['AURICLE_WORKER_SCRIPT'] ?? defaultWorkerScript,
    environment,
    log: line => console.error(line),
  })
  worker.start()
  return worker
}

function listen(server: Server, { port, host }: Pick<LocalConfiguration, 'port' | 'host'>): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const taken = error.code === 'EADDRINUSE'
      reject(taken ? new Error(`Port ${port} is taken. Choose another: PORT=8090 npm start`) : error)
    })
    server.listen(port, host, () => resolve())
  })
}

function shownHost(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost'
  return host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
}

function banner(url: string, { host, keys }: LocalConfiguration): string {
  const reach =
    isLoopback(host) || keys !== null ? '' : ' (other machines can reach it, and no key is asked for)'
  const key = keys === null ? '' : " -H 'authorization: Bearer auricle_...'"
  const body = '{"model":"pocket","messages":[{"role":"user","content":"Hello!"}]}'
  return [
    `Auricle listens on ${url}${reach}. Open it in a browser, or:`,
    `  curl ${url}/v1/chat/completions -H 'content-type: application/json'${key} -d '${body}'`,
  ].join('\n')
}
