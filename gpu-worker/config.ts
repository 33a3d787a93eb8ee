/** The worker's settings, read from the environment once. */
import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { z } from 'zod'
import { defaultLimits } from '../src/protocol/limits.ts'
import { defaultStoreLocation } from '../src/storage/open-store.ts'
import { parsePolicy } from './fetch/address-policy.ts'

const MEBIBYTE = 1024 * 1024
const bytes = (fallback: number) => z.coerce.number().int().min(0).default(fallback)
const count = (fallback: number) => z.coerce.number().int().positive().default(fallback)

const Environment = z.object({
  HOST: z.string().default('127.0.0.1'),
  /** 0 takes any free port. */
  PORT: z.coerce.number().int().min(0).max(65_535).default(8081),
  /** Folder of the packs. */
  AURICLE_MODELS: z.string().default(fileURLToPath(new URL('../models', import.meta.url))),
  /** Folder of stored objects, shared with the edge of this machine. */
  AURICLE_STORE: z.string().default(fileURLToPath(new URL(`../${defaultStoreLocation}`, import.meta.url))),
  /** Threads of one operator; more than the physical cores makes it slower. */
  AURICLE_THREADS: count(Math.max(1, Math.min(8, availableParallelism()))),
  /** How ONNX Runtime is reached: its C API, or onnxruntime-node's binding; unset: the first that works here. */
  AURICLE_RUNTIME: z.enum(['c-api', 'node-binding']).optional(),
  /** ONNX Runtime's library for the C API; unset: the one of onnxruntime-node. */
  AURICLE_ORT_LIBRARY: z.string().min(1).optional(),
  /** What computes models that were made for a GPU; `auto`: the GPU where it can be used. */
  AURICLE_EXECUTION_PROVIDER: z.enum(['cpu', 'cuda', 'auto']).default('cpu'),
  /** Which GPU, as CUDA counts them: one worker a GPU. */
  AURICLE_DEVICE: z.coerce.number().int().min(0).default(0),
  /** Requests decoded at once. */
  AURICLE_SLOTS: count(8),
  /** Tokens of prompt and answer together. */
  AURICLE_CONTEXT_LENGTH: count(4096),
  /** Checkpoints of one pack that stay loaded while nobody uses them. */
  AURICLE_CHECKPOINTS: count(4),
  /** Bytes of keys and values of all requests together; unset: as much as all slots in full come to. */
  AURICLE_KV_BYTES: z.coerce.number().int().positive().optional(),
  /** Requests that may wait for a slot. */
  AURICLE_MAX_WAITING: count(64),
  /** Memory for what was heard; 0 keeps nothing. */
  AURICLE_AUDIO_CACHE_BYTES: bytes(128 * MEBIBYTE),
  /** Folder for what was heard, so that it outlives the process; unset: nothing is written. */
  AURICLE_AUDIO_CACHE: z.string().min(1).optional(),
  AURICLE_AUDIO_CACHE_DISK_BYTES: count(1024 * MEBIBYTE),
  /** Windows of audio encoded at once. */
  AURICLE_ENCODE_CONCURRENCY: count(1),
  /** What `http(s)` URLs of audio may be fetched from: `public`, `off`, or host names between commas. */
  AURICLE_AUDIO_URLS: z.string().min(1).default('public'),
  /** Host names and networks that are not. */
  AURICLE_AUDIO_URLS_DENY: z.string().default(''),
  /** Networks that are although they aren't public, as `10.1.0.0/16`. */
  AURICLE_AUDIO_URLS_NETWORKS: z.string().default(''),
  AURICLE_AUDIO_URLS_TIMEOUT_MS: count(10_000),
  /** Where OpenTelemetry's traces go; the exporter reads these and their like itself. Unset or empty: nowhere. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.union([z.literal(''), z.url()]).optional(),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.union([z.literal(''), z.url()]).optional(),
  OTEL_SERVICE_NAME: z.string().default('auricle-worker'),
  /** Origins of edges to register with, separated by commas; none: edges have this worker on their list. */
  AURICLE_FLEET_URL: z.string().default(''),
  /** What edges and workers share. */
  AURICLE_FLEET_SECRET: z.string().min(16).optional(),
  /** Origin under which edges reach this worker; unset: its own host and port. */
  AURICLE_WORKER_URL: z.url({ protocol: /^https?$/ }).optional(),
  AURICLE_MAX_BODY_BYTES: count(defaultLimits.maxBodyBytes),
  AURICLE_MAX_AUDIO_SECONDS: count(defaultLimits.maxAudioSeconds),
  AURICLE_MAX_TRANSCRIPTION_SECONDS: count(defaultLimits.maxTranscriptionSeconds),
})

export type WorkerConfig = ReturnType<typeof readConfig>

/** @throws Error that names the variable and what it may be */
export function readConfig(environment: Readonly<Record<string, string | undefined>>) {
  const parsed = Environment.safeParse(environment)
  if (!parsed.success) throw new Error(`The environment is wrong:\n${z.prettifyError(parsed.error)}`)
  const env = parsed.data
  if (env.AURICLE_FLEET_URL !== '' && env.AURICLE_FLEET_SECRET === undefined) {
    throw new Error('AURICLE_FLEET_URL needs AURICLE_FLEET_SECRET, which edges and workers share.')
  }
  return {
    host: env.HOST,
    port: env.PORT,
    modelsDirectory: env.AURICLE_MODELS,
    maxCheckpoints: env.AURICLE_CHECKPOINTS,
    store: env.AURICLE_STORE,
    threads: env.AURICLE_THREADS,
    runtime: {
      kind: env.AURICLE_RUNTIME,
      library: env.AURICLE_ORT_LIBRARY,
      provider: env.AURICLE_EXECUTION_PROVIDER,
      deviceIndex: env.AURICLE_DEVICE,
    },
    engine: {
      slots: env.AURICLE_SLOTS,
      slotCapacity: env.AURICLE_CONTEXT_LENGTH,
      kvBytes: env.AURICLE_KV_BYTES ?? null,
      maxWaiting: env.AURICLE_MAX_WAITING,
    },
    audioCache: {
      maxBytes: env.AURICLE_AUDIO_CACHE_BYTES,
      folder: env.AURICLE_AUDIO_CACHE ?? null,
      maxDiskBytes: env.AURICLE_AUDIO_CACHE_DISK_BYTES,
    },
    audioUrls: {
      policy: parsePolicy(
        env.AURICLE_AUDIO_URLS,
        env.AURICLE_AUDIO_URLS_DENY,
        env.AURICLE_AUDIO_URLS_NETWORKS,
      ),
      timeoutMs: env.AURICLE_AUDIO_URLS_TIMEOUT_MS,
    },
    encodeQueue: {
      concurrency: env.AURICLE_ENCODE_CONCURRENCY,
      maxJobs: env.AURICLE_ENCODE_CONCURRENCY + env.AURICLE_MAX_WAITING,
    },
    /** Null where no traces are sent. */
    otlpServiceName:
      env.OTEL_EXPORTER_OTLP_ENDPOINT || env.OTEL_EXPORTER_OTLP_TRACES_ENDPOINT
        ? env.OTEL_SERVICE_NAME
        : null,
    fleet: {
      edges: env.AURICLE_FLEET_URL.split(',').flatMap(url => (url.trim() === '' ? [] : [url.trim()])),
      secret: env.AURICLE_FLEET_SECRET ?? '',
      workerUrl: env.AURICLE_WORKER_URL ?? null,
    },
    limits: {
      ...defaultLimits,
      maxBodyBytes: env.AURICLE_MAX_BODY_BYTES,
      maxAudioSeconds: env.AURICLE_MAX_AUDIO_SECONDS,
      maxTranscriptionSeconds: env.AURICLE_MAX_TRANSCRIPTION_SECONDS,
    },
  }
}
