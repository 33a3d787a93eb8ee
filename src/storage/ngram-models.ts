/**
 * The n-gram models of tenants: kept in an object store, opened when they are asked for, and kept open within a bound.
 * `tenants/<tenant>/ngram-models/<id>.json` says what a model is, `<id>.bin` beside it is its binary; mixtures have none.
 */
import type { LanguageModel } from '../ngram/language-model.ts'
import { MixtureModel } from '../ngram/mixture.ts'
import { NgramModel } from '../ngram/model.ts'
import type { TokenizerOptions } from '../ngram/tokenizer.ts'
import { ApiError } from '../protocol/errors.ts'
import { NgramModelCard } from '../protocol/ngram-models.ts'
import type { NgramModelReference } from '../protocol/rescore.ts'
import { limitedPieces, maxPage, type ObjectStore, readAll } from './object-store.ts'

/** A model to ask, and how text is to be cut before it is asked. */
export interface OpenedModel {
  readonly model: LanguageModel<unknown>
  readonly tokenizer: TokenizerOptions
}

/** One model's share in a mixture. */
export interface WeightedModel {
  readonly id: string
  readonly weight: number
}

const cardBytes = 65_536
/** A word of a mixture's vocabulary, about. */
const mixtureBytesPerWord = 64
/** Deeper than this, mixtures of mixtures go round in circles. */
const maxDepth = 8

/** The models in a store. One a process: what it has opened stays open for the next request. */
export class NgramModels {
  readonly #store: ObjectStore
  readonly #maxModelBytes: number
  readonly #cache: ByteBoundedCache<LanguageModel<unknown>>

  /**
   * @param options.maxModelBytes of one binary
   * @param options.maxCacheBytes of all binaries that are kept open; left out: as many as one may have
   */
  constructor(store: ObjectStore, options: { maxModelBytes: number; maxCacheBytes?: number }) {
    this.#store = store
    this.#maxModelBytes = options.maxModelBytes
    this.#cache = new ByteBoundedCache(options.maxCacheBytes ?? options.maxModelBytes)
  }

  /** Keeps a model; `bytes` is null for a mixture. @throws ApiError `payload_too_large` */
  async put(tenant: string, card: NgramModelCard, bytes: Uint8Array | null): Promise<void> {
    if (bytes !== null) {
      await this.#store.put(key(tenant, card.id, 'bin'), bytes, {
        contentType: 'application/octet-stream',
        maxBytes: this.#maxModelBytes,
      })
    }
    // Last: a model whose card is there is whole.
    const json = new TextEncoder().encode(JSON.stringify(card))
    await this.#store.put(key(tenant, card.id, 'json'), json, {
      contentType: 'application/json',
      maxBytes: cardBytes,
    })
  }

  /** @throws ApiError `ngram_model_not_found`, with `param` as the field that named the model */
  async get(tenant: string, id: string, param: string | null): Promise<NgramModelCard> {
    const found = await this.#store.get(key(tenant, id, 'json'))
    if (found === null) throw notFound(id, param)
    const bytes = await readAll(limitedPieces(found.body, cardBytes))
    return NgramModelCard.parse(JSON.parse(new TextDecoder().decode(bytes)))
  }

  /** A page of a tenant's models, in the order of their ids. @param after the last id of the page before */
  async list(tenant: string, limit: number, after: string | undefined) {
    const cards: NgramModelCard[] = []
    let cursor: string | null = after === undefined ? '' : key(tenant, after, 'json')
    while (cursor !== null) {
      const page = await this.#store.list(folder(tenant), {
        limit: maxPage,
        ...(cursor !== '' && { cursor }),
      })
      for (const { key: found } of page.objects) {
        const [, id] = /([^/]+)\.json$/.exec(found) ?? []
        if (id === undefined) continue
        if (cards.length === limit) return { cards, hasMore: true }
        cards.push(await this.get(tenant, id, null))
      }
      cursor = page.cursor
    }
    return { cards, hasMore: false }
  }

  /** @throws ApiError `ngram_model_not_found` */
  async delete(tenant: string, id: string): Promise<void> {
    await this.get(tenant, id, null)
    await this.#store.delete(key(tenant, id, 'json'))
    await this.#store.delete(key(tenant, id, 'bin'))
  }

  /**
   * A model, or several mixed, ready to be asked.
   * @throws ApiError `ngram_model_not_found`; `invalid_request` where the models of a mixture cut text in different ways
   */
  async open(tenant: string, reference: NgramModelReference, param: string): Promise<OpenedModel> {
    const parts = await this.#resolve(tenant, reference, param, 1, maxDepth)
    const [{ card: first }] = parts as [Part]
    for (const { card } of parts) {
      const same = (['tokenization', 'lowercase', 'locale'] as const).every(
        field => card[field] === first[field],
      )
      if (same) continue
      throw new ApiError('invalid_request', {
        message: `Invalid ${param}: ${first.id} and ${card.id} cut text in different ways (tokenization, lowercase, locale) and can't be mixed.`,
        param,
      })
    }
    const { tokenization, lowercase, locale } = first
    return { model: await this.#mixed(tenant, parts), tokenizer: { tokenization, lowercase, locale } }
  }

  /** The binaries that a reference comes down to, each with its share. */
  async #resolve(
    tenant: string,
    reference: NgramModelReference,
    param: string,
    share: number,
    depth: number,
  ): Promise<Part[]> {
    const named = typeof reference === 'string' ? [{ id: reference, weight: 1 }] : reference
    const sum = named.reduce((total, { weight }) => total + weight, 0)
    const parts: Part[] = []
    for (const { id, weight } of named) {
      const card = await this.get(tenant, id, param)
      const own = (share * weight) / sum
      if (card.models === null) parts.push({ card, weight: own })
      else if (depth > 0) parts.push(...(await this.#resolve(tenant, card.models, param, own, depth - 1)))
    }
    return parts
  }

  async #mixed(tenant: string, parts: readonly Part[]): Promise<LanguageModel<unknown>> {
    if (parts.length === 1) return this.#binary(tenant, parts[0]!.card)
    const name = parts.map(({ card, weight }) => `${key(tenant, card.id, 'bin')}*${weight}`).join('+')
    return this.#cache.get(name, async () => {
      const models = await Promise.all(parts.map(({ card }) => this.#binary(tenant, card)))
      const mixture = new MixtureModel(
        models.map((model, index) => ({ model, weight: parts[index]!.weight })),
      )
      return { value: mixture, bytes: mixture.words.size * mixtureBytesPerWord }
    })
  }

  #binary(tenant: string, { id }: NgramModelCard): Promise<LanguageModel<unknown>> {
    const name = key(tenant, id, 'bin')
    return this.#cache.get(name, async () => {
      const found = await this.#store.get(name)
      if (found === null) throw notFound(id, null)
      const bytes = await readAll(limitedPieces(found.body, this.#maxModelBytes))
      const model = NgramModel.open(bytes) as LanguageModel<unknown>
      return { value: model, bytes: bytes.byteLength }
    })
  }
}

interface Part {
  readonly card: NgramModelCard
  readonly weight: number
}

/** Values that are made once, while they fit; those that weren't asked for longest go first. */
class ByteBoundedCache<T> {
  readonly #maxBytes: number
  readonly #entries = new Map<string, { value: Promise<T>; bytes: number }>()
  #bytes = 0

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get(name: string, make: () => Promise<{ value: T; bytes: number }>): Promise<T> {
    const known = this.#entries.get(name)
    if (known !== undefined) {
      this.#entries.delete(name)
      this.#entries.set(name, known)
      return known.value
    }
    const made = make()
    const entry = { value: made.then(({ value }) => value), bytes: 0 }
    this.#entries.set(name, entry)
    made.then(
      ({ bytes }) => {
        if (this.#entries.get(name) !== entry) return
        entry.bytes = bytes
        this.#bytes += bytes
        this.#shrink()
      },
      () => {
        if (this.#entries.get(name) === entry) this.#entries.delete(name)
      },
    )
    return entry.value
  }

  #shrink(): void {
    for (const [name, { bytes }] of this.#entries) {
      if (this.#bytes <= this.#maxBytes) return
      this.#entries.delete(name)
      this.#bytes -= bytes
    }
  }
}

function folder(tenant: string): string {
  return `tenants/${tenant}/ngram-models/`
}

function key(tenant: string, id: string, ending: 'json' | 'bin'): string {
  return `${folder(tenant)}${id}.${ending}`
}

function notFound(id: string, param: string | null): ApiError {
  return new ApiError('ngram_model_not_found', {
    message: `There is no n-gram model '${id.slice(0, 80)}'. GET /v1/ngram-models lists yours.`,
    param,
  })
}
