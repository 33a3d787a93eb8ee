/** `GET /v1/models` and `GET /v1/models/:id`. */
import * as z from 'zod'
import { ApiError } from './errors.ts'

/** What a model can be asked for. */
export const ModelTask = z.enum(['chat', 'transcription', 'classification'])
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

/**
 * The model of an id, which may also be `model:checkpoint`.
 * @throws ApiError `model_not_found`, with the ids that there are
 */
export function findModel(models: readonly Model[], id: string): Model {
  const found = models.find(
    model => model.id === id || model.checkpoints?.some(checkpoint => `${model.id}:${checkpoint}` === id),
  )
  if (found !== undefined) return { ...found, id }
  const known = models.map(model => model.id).join(', ')
  throw new ApiError('model_not_found', {
    message: `The model '${id.slice(0, 64)}' does not exist. Use one of: ${known}.`,
    param: 'model',
  })
}
