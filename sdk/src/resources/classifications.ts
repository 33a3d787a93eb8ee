/** `/v1/audio/classifications`: which of your own words fits a recording. */
import type { RequestOptions, Transport } from '../transport.ts'
import type { Classification, ClassificationForm, ClassificationRequest } from '../wire.ts'
import { formRequest, type Recording } from './recording.ts'

/** A recording, or what the server knows it by: a part of a message, as `{ type: 'audio_url', audio_url: { url: 'audio:...' } }`. */
type Heard = (Recording & { audio?: undefined }) | { audio: ClassificationRequest['audio'] }
/** What goes with the labels. */
type Asked = Omit<ClassificationForm, keyof Recording | 'labels' | 'taxonomy'> & Heard
/** Labels of your own. */
export type ClassificationParams<Label extends string = string> = Asked & {
  labels: readonly Label[]
  taxonomy?: undefined
}
/** A named set of labels. */
export type TaxonomyParams = Asked & {
  taxonomy: NonNullable<ClassificationForm['taxonomy']>
  labels?: undefined
}
/** The answer, its labels typed as those that were given. */
export type ClassificationOf<Label extends string> = Omit<Classification, 'label' | 'labels' | 'results'> & {
  label: Label | null
  labels: Label[]
  results: (Omit<Classification['results'][number], 'label'> & { label: Label })[]
}

/** @see file comment */
export class Classifications {
  readonly #transport: Transport

  constructor(transport: Transport) {
    this.#transport = transport
  }

  /**
   * The labels, best first, and the one that fits: `label` is null when none of them does.
   * @example
   * const { label } = await client.audio.classifications.create({ model: 'pocket', file: 'yard.wav', labels: ['dog', 'cat'] })
   * // label: 'dog' | 'cat' | null
   */
  create<const Label extends string>(
    params: ClassificationParams<Label>,
    options?: RequestOptions,
  ): Promise<ClassificationOf<Label>>
  create(params: TaxonomyParams, options?: RequestOptions): Promise<Classification>
  async create(
    params: ClassificationParams | TaxonomyParams,
    options?: RequestOptions,
  ): Promise<Classification> {
    const path = '/v1/audio/classifications'
    const request =
      params.audio === undefined
        ? await formRequest(this.#transport, path, params, options)
        : { method: 'POST' as const, path, json: params }
    return this.#transport.json(request, options)
  }
}
