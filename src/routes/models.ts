/** `GET /v1/models` and `GET /v1/models/:id`. */
import type { Handler } from 'hono'
import type { Fleet } from '../fleet/fleet.ts'
import { findModel, type ModelList } from '../protocol/models.ts'

/** All models that ready workers serve; 503 while there is none. */
export function models(fleet: Fleet): Handler {
  return async context => {
    const list: ModelList = { object: 'list', data: await fleet.models() }
    return context.json(list)
  }
}

/** One model, also one checkpoint of it, or 404 with the names there are. */
export function model(fleet: Fleet): Handler {
  return async context => {
    return context.json(findModel(await fleet.models(), context.req.param('id') ?? ''))
  }
}
