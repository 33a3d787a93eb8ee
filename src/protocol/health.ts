/** `GET /healthz` (the process lives) and `GET /readyz` (it can answer requests now), of worker and edge. */
import * as z from 'zod'
import { BloomFilterData } from './bloom-filter.ts'

/** Version of the wire between edge and worker; the edge doesn't use a worker that speaks another. */
export const protocolVersion = 1

/** `GET /healthz`: 200 as long as the process lives, also while it loads or drains. */
export const Health = z.object({ status: z.literal('ok') })
export type Health = z.infer<typeof Health>

/** `GET /readyz` of a worker: 200 when `ready`, else 503 with the same body. */
export const WorkerReadiness = z.object({
  status: z.enum(['ready', 'loading', 'draining', 'failed']),
  protocol_version: z.int(),
  /** Ids of the models that it serves, checkpoints (`model:checkpoint`) among them. */
  models: z.array(z.string()),
  /** Sequences that are decoded now, that wait, and that could be decoded at once. */
  load: z.object({ running: z.int().min(0), waiting: z.int().min(0), slots: z.int().min(0) }),
  /** How it computes, once it has loaded. */
  runtime: z
    .object({
      /** How ONNX Runtime is reached: its C API, or onnxruntime-node's binding. */
      kind: z.enum(['c-api', 'node-binding']),
      version: z.string(),
      /** `cpu`, or `cuda:0` where a model that was made for a GPU runs on one. */
      execution_provider: z.string(),
    })
    .optional(),
  /** Ids of the audio that it holds encoded, where it says. */
  cached_audio: BloomFilterData.optional(),
})
export type WorkerReadiness = z.infer<typeof WorkerReadiness>

/** `GET /readyz` of the edge: 200 when at least one worker is ready, else 503 with the same body. */
export const EdgeReadiness = z.object({
  status: z.enum(['ready', 'unavailable']),
  protocol_version: z.int(),
  models: z.array(z.string()),
  workers: z.object({ ready: z.int().min(0), total: z.int().min(0) }),
})
export type EdgeReadiness = z.infer<typeof EdgeReadiness>
