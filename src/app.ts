/** The edge: middleware in the order that a request meets it, then the routes. Runs wherever fetch does. */
import { Hono } from 'hono'
import type { EdgeEnv } from './edge-env.ts'
import type { Directory } from './fleet/directory.ts'
import type { Fleet } from './fleet/fleet.ts'
import { KeyRing } from './keys/key-ring.ts'
import type { KeyRecords } from './keys/key-store.ts'
import type { KeyVerifier } from './keys/verify-key.ts'
import type { RateLimiter } from './limits/rate-limiter.ts'
import type { LimitsOf } from './limits/tenant-limits.ts'
import { authenticate, withoutKeys } from './middleware/authenticate.ts'
import { crossOrigin } from './middleware/cross-origin.ts'
import { idempotency } from './middleware/idempotency.ts'
import { rateLimit } from './middleware/rate-limit.ts'
import { requestId } from './middleware/request-id.ts'
import { securityHeaders } from './middleware/security-headers.ts'
import { trainModel } from './ngram/train.ts'
import { type TellSpans, traceRequests } from './observability/edge-trace.ts'
import { type RequestRecord, recordRequests } from './observability/request-record.ts'
import { beatPath } from './protocol/beat.ts'
import { errorResponse, notFoundResponse } from './protocol/error-response.ts'
import { ApiError } from './protocol/errors.ts'
import { defaultLimits, type Limits } from './protocol/limits.ts'
import { adminRoutes } from './routes/admin-keys.ts'
import { beats } from './routes/beats.ts'
import { chatCompletions } from './routes/chat-completions.ts'
import { classifications } from './routes/classifications.ts'
import { compareCheckpoints } from './routes/compare-checkpoints.ts'
import { docs } from './routes/docs.ts'
import { fileRoutes } from './routes/files.ts'
import { health, readiness } from './routes/health.ts'
import { model, models } from './routes/models.ts'
import {
  createNgramModel,
  deleteNgramModel,
  listNgramModels,
  ngramModel,
  type TrainModel,
} from './routes/ngram-models.ts'
import { openApi } from './routes/openapi.ts'
import { rescoring } from './routes/rescore.ts'
import { transcriptions, translations } from './routes/transcriptions.ts'
import { uploadRoutes } from './routes/uploads.ts'
import { FileLibrary } from './storage/file-library.ts'
import { MemoryStore } from './storage/memory-store.ts'
import { NgramModels } from './storage/ngram-models.ts'
import type { ObjectStore } from './storage/object-store.ts'
import { UploadLibrary } from './storage/upload-library.ts'

/** What an edge is made of. */
export interface AppOptions {
  fleet: Fleet
  /** Where workers register; without it they can't. */
  directory?: Directory
  limits?: Limits
  /** Origins whose pages may call the API; none means same-origin only. */
  corsOrigins?: readonly string[]
  /** Told of each request when its answer begins. */
  record?: (record: RequestRecord) => void
  /** Told where a request's time went, when all of it has ended. */
  tellSpans?: TellSpans | null
  /** Told of every error that isn't the caller's doing. Gets no audio and no text of the caller. */
  report?: (error: unknown, requestId: string) => void
  /** Whose keys let in; null (the default) asks for none, which suits a server that only its owner reaches. */
  keys?: KeyVerifier | null
  /** Where keys are that can be changed; in the store where it is left out. */
  keyRecords?: KeyRecords
  /** Limits of each tenant, and who counts; null (the default): none. */
  rates?: { limiter: RateLimiter; limitsOf: LimitsOf } | null
  /** Where things are kept that outlive a request; in memory where it is left out. */
  store?: ObjectStore
  /** Makes n-gram models; where it is left out, on the event loop. */
  trainNgramModel?: TrainModel
}

/**
 * Builds the edge.
 * @example const app = createApp({ fleet }); export default { fetch: app.fetch }
 */
export function createApp(options: AppOptions): Hono<EdgeEnv> {
  const {
    fleet,
    limits = defaultLimits,
    corsOrigins = [],
    report = () => {},
    keys = null,
    rates = null,
  } = options
  const store = options.store ?? new MemoryStore()
  const ngramModels = new NgramModels(store, { maxModelBytes: limits.maxNgramModelBytes })
  const app = new Hono<EdgeEnv>()

  app.use(requestId)
  if (options.record !== undefined) app.use(recordRequests(options.record, () => performance.now()))
  app.use(securityHeaders)
  app.use(crossOrigin(corsOrigins))
  app.use('/v1/*', traceRequests(options.tellSpans ?? null))
  app.use('/v1/*', keys === null ? withoutKeys : authenticate(keys))
  app.use('/v1/*', idempotency({ store, maxBodyBytes: limits.maxBodyBytes, now: Date.now }))
  if (rates !== null) app.use('/v1/*', rateLimit(rates.limiter, rates.limitsOf))

  app.post('/v1/chat/completions', chatCompletions(fleet, limits))
  app.post('/v1/audio/transcriptions', transcriptions(fleet, limits))
  app.post('/v1/audio/translations', translations(fleet, limits))
  app.post('/v1/audio/classifications', classifications(fleet, limits))
  app.post('/v1/audio/rescore', rescoring(ngramModels, limits))
  app.post('/v1/checkpoints/compare', compareCheckpoints(fleet, limits))
  app.post('/v1/ngram-models', createNgramModel(ngramModels, options.trainNgramModel ?? trainModel, limits))
  app.get('/v1/ngram-models', listNgramModels(ngramModels))
  app.get('/v1/ngram-models/:id', ngramModel(ngramModels))
  app.delete('/v1/ngram-models/:id', deleteNgramModel(ngramModels))
  app.get('/v1/models', models(fleet))
  app.get('/v1/models/:id', model(fleet))
  const files = new FileLibrary(store, Date.now)
  app.route('/v1/files', fileRoutes(files, limits, Date.now))
  app.route('/v1/uploads', uploadRoutes(new UploadLibrary(store, files, Date.now), store))
  app.route('/v1/admin', adminRoutes(new KeyRing(store, Date.now, options.keyRecords)))
  app.post(beatPath, beats(options.directory ?? null))
  app.get('/healthz', health)
  app.get('/readyz', readiness(fleet))
  app.get('/openapi.json', openApi)
  app.get('/docs', docs)

  app.onError((error, context) => {
    if (!(error instanceof ApiError)) report(error, context.get('requestId'))
    return errorResponse(error)
  })
  app.notFound(context => notFoundResponse(app, context))
  return app
}
