/** `GET /v1/models` and `GET /v1/models/:id`. */
import * as z from 'zod'

/** What a model can be asked for. */
export const ModelTask = z.enum(['chat', 'transcription'])
export type ModelTask = z.infer<typeof ModelTask>

/** One model; what follows `owned_by` is ours. */
export const Model = z.object({
  id: z.string().min(1),
  object: z.literal('model'),
  /** Unix time in seconds. */
  created: z.int().min(0),
  owned_by: z.string(),
  tasks: z.array(ModelTask).optional(),
  /** Most tokens of prompt and answer together. */
  context_length: z.int().min(1).optional(),
  /** Tuned variants, each asked for as `model:checkpoint`. */
  checkpoints: z.array(z.string()).optional(),
})
export type Model = z.infer<typeof Model>

/** All models. */
export const ModelList = z.object({ object: z.literal('list'), data: z.array(Model) })
export type ModelList = z.infer<typeof ModelList>
