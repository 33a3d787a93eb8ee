/** The worker's HTTP: OpenAI's wire, one model server. It stands alone, behind the edge, or in vLLM's place. */
import { Hono } from 'hono'
import { BloomFilter } from '../src/protocol/bloom-filter.ts'
import { errorResponse, notFoundResponse } from '../src/protocol/error-response.ts'
import { ApiError } from '../src/protocol/errors.ts'
import { protocolVersion, type WorkerReadiness } from '../src/protocol/health.ts'
import type { Limits } from '../src/protocol/limits.ts'
import { findModel, type Model, type ModelList } from '../src/protocol/models.ts'
import { parseChatCompletionRequest } from '../src/protocol/parse-chat-completion.ts'
import { parseJson, readBody, requireJson } from '../src/protocol/read-body.ts'
import { requestIdOf } from '../src/protocol/request-id.ts'
import { audioSecondsHeader, tenantOf } from '../src/protocol/worker-headers.ts'
import { FileLibrary } from '../src/storage/file-library.ts'
import { MemoryStore } from '../src/storage/memory-store.ts'
import { NgramModels } from '../src/storage/ngram-models.ts'
import { type AudioSources, createAudioSources } from './audio-sources.ts'
import { patienceOf } from './cancellation.ts'
import { checkpointComparisons } from './checkpoints/routes.ts'
import { LabelPriors } from './classification/label-priors.ts'
import { classifications } from './classification/routes.ts'
import type { EncodeQueue } from './encode/encode-queue.ts'
import { EncoderCache } from './encode/encoder-cache.ts'
import { generateChat } from './generate.ts'
import { Grammars } from './grammar/grammars.ts'
import { type ChatModel, modelIds } from './model/chat-model.ts'
import type { SpeechModel } from './model/speech-model.ts'
import { WorkerMetrics } from './observability/metrics.ts'
import { type RequestObserver, RequestTrace } from './observability/request-trace.ts'
import {
  type CompletionIdentity,
  toChatCompletion,
  toChatCompletionChunks,
} from './stream/chat-completion.ts'
import { eventResponse, withFirst } from './stream/event-response.ts'
import { transcriptions } from './transcription/routes.ts'

export interface WorkerState {
  status: WorkerReadiness['status']
  /** Empty while the packs are being loaded. */
  models: ReadonlyMap<string, ChatModel>
  /** Those that only transcribe. */
  speechModels: ReadonlyMap<string, SpeechModel>
  /** What computes; there once they are loaded. */
  runtime?: WorkerReadiness['runtime']
}

/** What an app is told beside its models. */
export interface WorkerParts {
  encoderCache?: EncoderCache
  encodeQueue?: EncodeQueue
  ngramModels?: NgramModels
  audioSources?: AudioSources
  /** Memory, processor time and event loop among the metrics. */
  processMetrics?: boolean
  /** Told of each request's end; the metrics are told anyway. */
  observers?: readonly RequestObserver[]
}

interface WorkerEnv {
  Variables: { requestId: string; trace: RequestTrace }
}

/** The worker's routes over its models; `state` may change under it (loading, ready, draining). */
export function createWorkerApp(
  state: WorkerState,
  limits: Limits,
  parts: WorkerParts = {},
): Hono<WorkerEnv> {
  const { encoderCache = new EncoderCache(), encodeQueue, processMetrics = false, observers = [] } = parts
  const ngramModels =
    parts.ngramModels ?? new NgramModels(new MemoryStore(), { maxModelBytes: limits.maxNgramModelBytes })
  const audioSources =
    parts.audioSources ?? createAudioSources(new FileLibrary(new MemoryStore(), Date.now), null, 0)

  const app = new Hono<WorkerEnv>()
  const startedAt = Math.floor(Date.now() / 1000)
  const grammars = new Grammars()
  const labelPriors = new LabelPriors(encoderCache)
  const metrics = new WorkerMetrics({
    engines: () => Array.from(state.models, ([name, model]) => [name, model.engine.stats()] as const),
    encoderCache: () => encoderCache.stats(),
    ...(encodeQueue && { encodeQueue: () => encodeQueue.stats() }),
  })
  if (processMetrics) metrics.addProcessMetrics()

  app.use(async (context, next) => {
    const id = requestIdOf(context.req.raw)
    context.set('requestId', id)
    await next()
    context.header('x-request-id', id)
  })
  app.use('/v1/*', async (context, next) => {
    const { method, path, raw } = context.req
    const isKnown = app.routes.some(route => route.method === method && route.path === path)
    const route = isKnown ? `${method} ${path}` : 'other'
    const trace = new RequestTrace(context.get('requestId'), route, raw.headers, [metrics, ...observers])
    context.set('trace', trace)
    await next()
    trace.respond(context.res.status, context.error)
    context.header('server-timing', trace.serverTiming())
  })
  app.onError(error => {
    if (!(error instanceof ApiError)) console.error(error)
    return errorResponse(error)
  })
  app.notFound(context => notFoundResponse(app, context))

  app.get('/healthz', context => context.json({ status: 'ok' }))
  app.get('/metrics', async context =>
    context.body(await metrics.text(), 200, { 'content-type': metrics.contentType }),
  )
  app.get('/readyz', context => {
    const readiness = readinessOf(state, encoderCache)
    return context.json(readiness, readiness.status === 'ready' ? 200 : 503)
  })
  app.get('/v1/models', context => {
    const list: ModelList = { object: 'list', data: modelCards(state, startedAt) }
    return context.json(list)
  })
  app.get('/v1/models/:id', context =>
    context.json(findModel(modelCards(state, startedAt), context.req.param('id'))),
  )

  app.post('/v1/chat/completions', async context => {
    requireReady(state)
    requireJson(context.req.raw)
    const body = parseJson(await readBody(context.req.raw, limits.maxBodyBytes))
    const request = parseChatCompletionRequest(body, limits)
    const id = context.get('requestId')
    const cancelled = new AbortController()
    const events = generateChat(request, {
      requestId: id,
      tenant: tenantOf(context.req.raw),
      models: state.models,
      encoderCache,
      audioSources,
      grammars,
      ngramModels,
      limits,
      trace: context.get('trace'),
      ...patienceOf(context.req.raw, cancelled.signal),
    })
    // What is wrong with a request shows before the first event, and so still gets its own status.
    let audioSeconds = 0
    const opened = await withFirst(
      noting(events, event => {
        if (event.type === 'start') audioSeconds = event.audioSeconds
      }),
    )
    const heard = String(audioSeconds)

    const { service_tier: tier } = request
    const identity: CompletionIdentity = {
      id: `chatcmpl-${id.replace(/^req_/, '')}`,
      created: Math.floor(Date.now() / 1000),
      model: request.model,
      ...(tier === undefined ? {} : { service_tier: tier === 'auto' ? 'default' : tier }),
    }
    if (request.stream) {
      const chunks = toChatCompletionChunks(opened, identity, {
        choices: request.n ?? 1,
        withLogprobs: request.logprobs ?? false,
        includeUsage: request.stream_options?.include_usage ?? false,
        timings: () => context.get('trace').timings(),
      })
      const response = eventResponse(context.get('trace').stream(chunks), () => cancelled.abort())
      response.headers.set(audioSecondsHeader, heard)
      return response
    }
    const completion = await toChatCompletion(opened, identity, request.logprobs ?? false)
    return context.json(completion, 200, { [audioSecondsHeader]: heard })
  })
  const shared = () => {
    requireReady(state)
    return { ...state, encoderCache, audioSources, grammars, ngramModels, labelPriors }
  }
  app.post('/v1/audio/transcriptions', transcriptions('transcribe', limits, shared))
  app.post('/v1/audio/translations', transcriptions('translate', limits, shared))
  app.post('/v1/audio/classifications', classifications(limits, shared))
  app.post('/v1/checkpoints/compare', checkpointComparisons(limits, shared))
  return app
}

/** The same values; each is shown when it is taken. */
async function* noting<T>(source: AsyncGenerator<T>, note: (value: T) => void): AsyncGenerator<T> {
  for await (const value of source) {
    note(value)
    yield value
  }
}

/** @throws ApiError `worker_unavailable` */
function requireReady({ status }: WorkerState): void {
  if (status === 'ready') return
  throw new ApiError('worker_unavailable', {
    message: `The worker is ${status}. Send the request again in a moment.`,
    retryAfterSeconds: 1,
  })
}

/** What the worker answers to `GET /readyz`, and says in its beats. */
export function readinessOf(
  { status, models, speechModels, runtime }: WorkerState,
  encoderCache: EncoderCache,
): WorkerReadiness {
  const engines = [...models.values()].map(model => model.engine.stats())
  const sum = (key: 'running' | 'waiting' | 'slots') =>
    engines.reduce((total, stats) => total + stats[key], 0)
  return {
    status,
    protocol_version: protocolVersion,
    models: [...modelIds(models), ...speechModels.keys()],
    load: { running: sum('running'), waiting: sum('waiting'), slots: sum('slots') },
    ...(runtime && { runtime }),
    cached_audio: BloomFilter.of(encoderCache.ids()).toData(),
  }
}

function modelCards({ models, speechModels }: WorkerState, created: number): Model[] {
  const common = { object: 'model' as const, created, owned_by: 'auricle' }
  const chat = [...models].map(
    ([id, model]): Model => ({
      id,
      ...common,
      tasks: ['chat', 'transcription', 'classification'],
      context_length: model.engine.contextLength,
      checkpoints: [...model.checkpoints],
    }),
  )
  return [
    ...chat,
    ...[...speechModels.keys()].map(id => ({ id, ...common, tasks: ['transcription' as const] })),
  ]
}
