/** `/v1/ngram-models`: n-gram language models of your own, for transcripts and for rescoring. */
import { type AudioInput, fileNameOf, toBlob } from '../audio.ts'
import { toForm } from '../form.ts'
import type { RequestOptions, Transport } from '../transport.ts'
import type {
  NgramModelCard,
  NgramModelDeleted,
  NgramModelForm,
  NgramModelList,
  NgramModelRequest,
} from '../wire.ts'

/** A model of a file: text, ARPA, or a binary that was downloaded; the file from wherever audio may come from. */
export type NgramModelFileParams = Omit<NgramModelForm, 'file'> & { file: Exclude<AudioInput, Float32Array> }
/** A model of text or of other models, or of a file. */
export type NgramModelParams = NgramModelRequest | NgramModelFileParams

/** Makes them and keeps order among them. */
export class NgramModels {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * Trains one on text, reads one from a file, or mixes several.
   * @example const { id } = await client.ngramModels.create({ text: await readFile('minutes.txt', 'utf8'), order: 3 })
   */
  async create(params: NgramModelParams, options?: RequestOptions): Promise<NgramModelCard> {
    const request = { method: 'POST', path: '/v1/ngram-models' } as const
    if (!('file' in params)) return this.#transport.json({ ...request, json: params }, options)
    const { file, ...fields } = params
    const blob = await toBlob(file, { fetch: this.#transport.fetch, signal: options?.signal })
    const body = toForm(fields)
    body.append('file', blob, fileNameOf(file))
    return this.#transport.json({ ...request, body }, options)
  }

  /** A page of them, in the order of their ids. */
  list(query: { limit?: number; after?: string } = {}, options?: RequestOptions): Promise<NgramModelList> {
    return this.#transport.json({ method: 'GET', path: '/v1/ngram-models', query }, options)
  }

  /** One. @throws NotFoundError */
  retrieve(id: string, options?: RequestOptions): Promise<NgramModelCard> {
    return this.#transport.json({ method: 'GET', path: pathOf(id) }, options)
  }

  /** Deletes one. @throws NotFoundError */
  delete(id: string, options?: RequestOptions): Promise<NgramModelDeleted> {
    return this.#transport.json({ method: 'DELETE', path: pathOf(id) }, options)
  }
}

function pathOf(id: string): string {
  return `/v1/ngram-models/${encodeURIComponent(id)}`
}
