/** `GET /v1/models` and `GET /v1/models/:id`. */
import type { Handler } from 'hono'
import type { Fleet } from '../fleet/fleet.ts'
import { ApiError } from '../protocol/errors.ts'
import type { ModelList } from '../protocol/models.ts'

/** All models that ready workers serve; 503 while there is none. */
export function models(fleet: Fleet): Handler {
  return async context => {
    const list: ModelList = { object: 'list', data: await fleet.models() }
    return context.json(list)
  }
}

/** One model, or 404 with the names there are. */
export function model(fleet: Fleet): Handler {
  return async context => {
    const id = context.req.param('id') ?? ''
    const all = await fleet.models()
    const found = all.find(candidate => candidate.id === id)
    if (found !== undefined) return context.json(found)
    throw new ApiError('model_not_found', {
      message: `The model '${id.slice(0, 64)}' does not exist. Use one of: ${all.map(each => each.id).join(', ')}.`,
      param: 'model',
    })
  }
}
