/** `/v1/models`: what can be asked. */
import type { RequestOptions, Transport } from '../transport.ts'
import type { Model, ModelList } from '../wire.ts'

/** The models that the server has now. */
export class Models {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** All of them. */
  list(options?: RequestOptions): Promise<ModelList> {
    return this.#transport.json({ method: 'GET', path: '/v1/models' }, options)
  }

  /** One, also `model:checkpoint`. @throws NotFoundError */
  retrieve(id: string, options?: RequestOptions): Promise<Model> {
    return this.#transport.json({ method: 'GET', path: `/v1/models/${encodeURIComponent(id)}` }, options)
  }
}
