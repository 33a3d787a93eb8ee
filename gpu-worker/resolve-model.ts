/** Which model a request means. */
import { ApiError } from '../src/protocol/errors.ts'
import { type ChatModel, modelIds } from './model/chat-model.ts'

/** `pocket` is the pack with its default checkpoint, `pocket:sft` the pack with that one. @throws ApiError `model_not_found` */
export function resolveModel(name: string, models: ReadonlyMap<string, ChatModel>) {
  const colon = name.indexOf(':')
  const model = models.get(colon < 0 ? name : name.slice(0, colon))
  const checkpoint = colon < 0 ? model?.defaultCheckpoint : name.slice(colon + 1)
  if (!model || checkpoint === undefined || !model.checkpoints.includes(checkpoint)) {
    throw new ApiError('model_not_found', {
      message: `The model '${name.slice(0, 80)}' is not here. There is: ${modelIds(models).join(', ')}.`,
      param: 'model',
    })
  }
  return { model, checkpoint }
}
