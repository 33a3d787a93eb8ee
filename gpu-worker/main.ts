/** The worker process: reads its settings, listens, loads its packs, serves, drains. */
import { randomUUID } from 'node:crypto'
import type { Server } from 'node:http'
import { serve } from '@hono/node-server'
import { FileLibrary } from '../src/storage/file-library.ts'
import { NgramModels } from '../src/storage/ngram-models.ts'
import { openStore } from '../src/storage/open-store.ts'
import { closeDecoder, warmDecoder } from './audio/decode.ts'
import { createAudioSources } from './audio-sources.ts'
import { Beats } from './beats.ts'
import { readConfig } from './config.ts'
import { drainable } from './drain.ts'
import { DiskTier } from './encode/disk-tier.ts'
import { EncodeQueue } from './encode/encode-queue.ts'
import { EncoderCache } from './encode/encoder-cache.ts'
import { loadPacks } from './model/pack.ts'
import { loadChatModels, loadSpeechModels } from './model/registry.ts'
import { deviceName } from './runtime/device.ts'
import { loadRuntime } from './runtime/load-runtime.ts'
import { createWorkerApp, readinessOf, type WorkerState } from './server.ts'

/** How long requests under way may take to end once the process is told to stop. */
const DRAIN_MS = 30_000
/** n-gram models that are kept open. */
const NGRAM_CACHE_BYTES = 256 * 1024 * 1024

const config = readConfig(process.env)
const state: WorkerState = { status: 'loading', models: new Map(), speechModels: new Map() }
const { folder, maxBytes, maxDiskBytes } = config.audioCache
const disk = folder === null ? null : await DiskTier.open(folder, maxDiskBytes)
const encoderCache = new EncoderCache({ maxBytes, disk })
const store = await openStore(config.store, process.env)
const ngramModels = new NgramModels(store, {
  maxModelBytes: config.limits.maxNgramModelBytes,
  maxCacheBytes: NGRAM_CACHE_BYTES,
})
const { policy, timeoutMs } = config.audioUrls
const audioSources = createAudioSources(new FileLibrary(store, Date.now), policy, timeoutMs)
const encodeQueue = new EncodeQueue(config.encodeQueue)
// Loaded only where somebody listens: it is half of what the worker imports.
const traces =
  config.otlpServiceName === null
    ? null
    : new (await import('./observability/otlp.ts')).OtlpTraces(config.otlpServiceName)
const app = createWorkerApp(state, config.limits, {
  encoderCache,
  ngramModels,
  audioSources,
  encodeQueue,
  processMetrics: true,
  observers: traces === null ? [] : [traces],
})
let beats: Beats | null = null
const server = serve({ fetch: app.fetch, hostname: config.host, port: config.port }, address => {
  report({ event: 'listening', port: address.port })
  beats = new Beats({
    edges: config.fleet.edges,
    secret: config.fleet.secret,
    // Another id each time it starts: what is known of the one before is over.
    worker: {
      id: randomUUID(),
      url: config.fleet.workerUrl ?? `http://${config.host}:${address.port}`,
    },
    readiness: () => readinessOf(state, encoderCache),
    log: message => console.error(message),
  })
  beats.start()
})
const drain = drainable(server as Server)

warmDecoder()
try {
  const startedMs = performance.now()
  const [packs, runtime] = await Promise.all([
    loadPacks(config.modelsDirectory),
    loadRuntime(config.runtime, reason => console.error(`The CPU computes: ${reason}`)),
  ])
  const context = {
    packs,
    runtime,
    threads: config.threads,
    engine: config.engine,
    maxCheckpoints: config.maxCheckpoints,
    encodeQueue,
    whispers: new Map(),
  }
  state.speechModels = await loadSpeechModels(context)
  state.models = await loadChatModels(context)
  const executionProvider = deviceName(runtime.deviceInUse)
  state.runtime = { kind: runtime.kind, version: runtime.version, execution_provider: executionProvider }
  state.status = 'ready'
  report({
    event: 'ready',
    models: [...state.models.keys(), ...state.speechModels.keys()],
    runtime: runtime.kind,
    executionProvider,
    loadMs: Math.round(performance.now() - startedMs),
  })
} catch (error) {
  state.status = 'failed'
  report({ event: 'failed', message: (error as Error).message })
  process.exit(1)
}

for (const signal of ['SIGINT', 'SIGTERM'] as const) {
  process.once(signal, async () => {
    state.status = 'draining'
    report({ event: 'draining' })
    void beats?.beatNow()
    setTimeout(() => process.exit(0), DRAIN_MS).unref()
    await drain()
    const models = [...state.models.values(), ...state.speechModels.values()]
    await Promise.all([
      closeDecoder(),
      encoderCache.close(),
      traces?.close(),
      ...models.map(model => model.close()),
    ])
    process.exit(0)
  })
}

/** One JSON line on standard output: what whoever started the process waits for. */
function report(line: Record<string, unknown>): void {
  console.log(JSON.stringify(line))
}
