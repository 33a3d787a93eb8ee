/** `/v1/files`: what was uploaded. */
import type { RequestOptions, Transport } from '../transport.ts'
import type { FileDeleted, FileList, FileObject } from '../wire.ts'

/** The files that the server keeps for you. */
export class Files {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /** A page of them. */
  list(query: { limit?: number; after?: string } = {}, options?: RequestOptions): Promise<FileList> {
    return this.#transport.json({ method: 'GET', path: '/v1/files', query }, options)
  }

  /** What is known of one. @throws NotFoundError */
  retrieve(id: string, options?: RequestOptions): Promise<FileObject> {
    return this.#transport.json({ method: 'GET', path: pathOf(id) }, options)
  }

  /** Its bytes. @throws NotFoundError */
  content(id: string, options?: RequestOptions): Promise<Blob> {
    return this.#transport.read({ method: 'GET', path: `${pathOf(id)}/content` }, options, response =>
      response.blob(),
    )
  }

  /** Deletes one. @throws NotFoundError */
  delete(id: string, options?: RequestOptions): Promise<FileDeleted> {
    return this.#transport.json({ method: 'DELETE', path: pathOf(id) }, options)
  }
}

function pathOf(id: string): string {
  return `/v1/files/${encodeURIComponent(id)}`
}
