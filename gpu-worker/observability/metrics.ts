/**
 * `GET /metrics`: what the worker does, as Prometheus reads it. Names are vLLM's where it has one, behind the prefix
 * `auricle_`; docs/observability.md lists them all (a test holds it equal).
 */
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'
import type { EncodeQueueStats } from '../encode/encode-queue.ts'
import type { EncoderCacheStats } from '../encode/encoder-cache.ts'
import type { EngineStats } from '../engine/types.ts'
import type { EndedRequest, RequestObserver } from './request-trace.ts'

/** Where the numbers come from that are counted elsewhere; asked at each scrape. */
export interface MetricSources {
  engines(): Iterable<readonly [model: string, stats: EngineStats]>
  encoderCache(): EncoderCacheStats
  encodeQueue?(): EncodeQueueStats
}

const PREFIX = 'auricle_'

/** Seconds; vLLM's, as far as they go. */
const LATENCY_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80]
const TOKEN_LATENCY_BUCKETS = [0.0025, 0.005, 0.01, 0.02, 0.03, 0.05, 0.075, 0.1, 0.2, 0.5, 1, 2]
const TOKEN_BUCKETS = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000]

export class WorkerMetrics implements RequestObserver {
  readonly #registry = new Registry()
  readonly #firstToken = this.#histogram(
    'time_to_first_token_seconds',
    'From the request to its first token.',
  )
  readonly #interToken = this.#histogram(
    'inter_token_latency_seconds',
    'From one token of an answer to its next.',
    TOKEN_LATENCY_BUCKETS,
  )
  readonly #request = this.#histogram(
    'e2e_request_latency_seconds',
    'From the request to the end of its answer.',
  )
  readonly #queue = this.#histogram('request_queue_time_seconds', 'Waiting for a slot.')
  readonly #prefill = this.#histogram('request_prefill_time_seconds', 'From the slot to the first token.')
  readonly #decode = this.#histogram('request_decode_time_seconds', 'From the first token to the last.')
  readonly #promptTokens = this.#histogram('request_prompt_tokens', 'Tokens of a prompt.', TOKEN_BUCKETS)
  readonly #generationTokens = this.#histogram(
    'request_generation_tokens',
    'Tokens of an answer.',
    TOKEN_BUCKETS,
  )
  readonly #audioDecode = this.#stage('audio_decode_time_seconds', 'Decoding an audio file.')
  readonly #audioEncode = this.#stage(
    'audio_encode_time_seconds',
    'Hearing an audio, decoding and waiting for its turn included; next to nothing where it was heard before.',
  )
  readonly #success = this.#counter('request_success_total', 'Answers, by how they ended.', [
    'model_name',
    'finished_reason',
  ])
  readonly #errors = this.#counter('request_errors_total', 'Requests that failed, by code.', [
    'route',
    'code',
  ])

  constructor(sources: MetricSources) {
    this.#addEngineMetrics(sources)
    this.#addEncoderMetrics(sources)
  }

  /** Adds what prom-client knows of any Node process: memory, processor time, event loop, garbage collection. */
  addProcessMetrics(): void {
    collectDefaultMetrics({ register: this.#registry })
  }

  get contentType(): string {
    return this.#registry.contentType
  }

  /** The text of a scrape. */
  async text(): Promise<string> {
    return await this.#registry.metrics()
  }

  /** Every metric there is. */
  async list(): Promise<{ name: string; type: string; help: string }[]> {
    const metrics = await this.#registry.getMetricsAsJSON()
    return metrics.map(({ name, type, help }) => ({ name, type: String(type), help }))
  }

  token(model: string, sinceLastMs: number): void {
    this.#interToken.observe({ model_name: model }, sinceLastMs / 1000)
  }

  ended(request: EndedRequest): void {
    const { route, errorCode, startMs, endMs, firstTokenMs, sequences, spans } = request
    if (errorCode !== null) this.#errors.inc({ route, code: errorCode })
    for (const { stage, startMs: from, endMs: to } of spans) {
      if (stage === 'audio_decode') this.#audioDecode.observe((to - from) / 1000)
      if (stage === 'audio_encode') this.#audioEncode.observe((to - from) / 1000)
    }
    const model = sequences[0]?.model
    if (model === undefined) return
    this.#request.observe({ model_name: model }, (endMs - startMs) / 1000)
    if (firstTokenMs !== null)
      this.#firstToken.observe({ model_name: model }, (firstTokenMs - startMs) / 1000)
    for (const { reason, promptTokens, generatedTokens, timings } of sequences) {
      const labels = { model_name: model }
      this.#queue.observe(labels, timings.queuedMs / 1000)
      if (generatedTokens > 0) {
        this.#prefill.observe(labels, timings.prefillMs / 1000)
        this.#decode.observe(labels, timings.decodeMs / 1000)
      }
      this.#promptTokens.observe(labels, promptTokens)
      this.#generationTokens.observe(labels, generatedTokens)
      if (errorCode === null) this.#success.inc({ ...labels, finished_reason: reason })
    }
  }

  #addEngineMetrics(sources: MetricSources): void {
    const gauge = (name: string, help: string, value: (stats: EngineStats) => number) =>
      this.#collected(Gauge, name, help, set => {
        for (const [model, stats] of sources.engines()) set({ model_name: model }, value(stats))
      })
    const counter = (name: string, help: string, value: (stats: EngineStats) => number) =>
      this.#collected(Counter, name, help, set => {
        for (const [model, stats] of sources.engines()) set({ model_name: model }, value(stats))
      })
    gauge('num_requests_running', 'Sequences that are computed.', stats => stats.running)
    gauge('num_requests_waiting', 'Sequences that wait for a slot.', stats => stats.waiting)
    gauge('num_slots', 'Sequences that can be computed at once.', stats => stats.slots)
    gauge(
      'kv_cache_usage_perc',
      'Positions held by who runs, over all there may be; 1 is full.',
      s => s.kvUsage,
    )
    gauge('kv_cache_bytes', 'Memory of keys and values.', stats => stats.kvBytesUsed)
    counter('prompt_tokens_total', 'Tokens of prompts.', stats => stats.promptTokens)
    counter('generation_tokens_total', 'Tokens of answers.', stats => stats.tokensGenerated)
    counter('prefix_cache_queries_total', 'Tokens that the prefix cache was asked for.', s => s.promptTokens)
    counter('prefix_cache_hits_total', 'Tokens that it had.', stats => stats.promptTokensReused)
    counter(
      'num_preemptions_total',
      'Sequences that lost their slot for a while.',
      stats => stats.preemptions,
    )
    counter('engine_steps_total', 'Runs of the engine.', stats => stats.steps)
  }

  #addEncoderMetrics({ encoderCache, encodeQueue }: MetricSources): void {
    const gauge = (name: string, help: string, value: () => number) =>
      this.#collected(Gauge, name, help, set => set({}, value()), [])
    const counter = (name: string, help: string, value: () => number) =>
      this.#collected(Counter, name, help, set => set({}, value()), [])
    counter('encoder_cache_queries_total', 'Audios that were asked about.', () => {
      const { hits, misses } = encoderCache()
      return hits + misses
    })
    counter('encoder_cache_hits_total', 'Audios that were heard already.', () => encoderCache().hits)
    gauge('encoder_cache_bytes', 'Memory of what was heard.', () => encoderCache().bytes)
    if (encodeQueue === undefined) return
    gauge('num_audios_waiting', 'Audios that wait to be heard.', () => encodeQueue().waiting)
  }

  #histogram(name: string, help: string, buckets = LATENCY_BUCKETS): Histogram<'model_name'> {
    const labelNames = ['model_name'] as const
    return new Histogram({ name: PREFIX + name, help, buckets, labelNames, registers: [this.#registry] })
  }

  #stage(name: string, help: string): Histogram {
    return new Histogram({ name: PREFIX + name, help, buckets: LATENCY_BUCKETS, registers: [this.#registry] })
  }

  #counter<T extends string>(name: string, help: string, labelNames: readonly T[]): Counter<T> {
    return new Counter({ name: PREFIX + name, help, labelNames, registers: [this.#registry] })
  }

  /** A metric that is counted elsewhere. */
  #collected(
    Kind: typeof Gauge | typeof Counter,
    name: string,
    help: string,
    collect: (set: (labels: Record<string, string>, value: number) => void) => void,
    labelNames: readonly string[] = ['model_name'],
  ): void {
    const metric = new Kind({
      name: PREFIX + name,
      help,
      labelNames,
      registers: [this.#registry],
      collect() {
        this.reset()
        collect((labels, value) => this.inc(labels, value))
      },
    })
    // It is known to the registry, which asks it.
    void metric
  }
}
