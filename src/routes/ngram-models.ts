/** `/v1/ngram-models`: make, list, show and delete the tenant's n-gram models. */
import type { Handler } from 'hono'
import type { EdgeEnv } from '../edge-env.ts'
import { NgramError } from '../ngram/ngram-error.ts'
import type { Smoothing } from '../ngram/smoothing.ts'
import { plainTokenizer } from '../ngram/tokenizer.ts'
import { DISCOUNT_FALLBACK, type TrainedModel, type TrainingOptions } from '../ngram/train.ts'
import { ApiError } from '../protocol/errors.ts'
import type { Limits } from '../protocol/limits.ts'
import { readMultipart } from '../protocol/multipart.ts'
import {
  type NgramMixture,
  type NgramModelCard,
  type NgramModelDeleted,
  type NgramModelList,
  NgramModelListQuery,
  type NgramTraining,
} from '../protocol/ngram-models.ts'
import { type NgramModelOrder, parseNgramForm, parseNgramJson } from '../protocol/parse-ngram-model.ts'
import { parseJson, readBody, requireJson } from '../protocol/read-body.ts'
import { toValidationError } from '../protocol/validation.ts'
import type { NgramModels } from '../storage/ngram-models.ts'

/** Makes a model of a file; elsewhere than on the event loop where there is such a place. @throws NgramError */
export type TrainModel = (file: Uint8Array, options: TrainingOptions) => Promise<TrainedModel>

/** `POST`: from text, an ARPA file, a binary, or models. @throws ApiError */
export function createNgramModel(models: NgramModels, train: TrainModel, limits: Limits): Handler<EdgeEnv> {
  return async context => {
    const order = await readOrder(context.req.raw, limits)
    const tenant = context.get('tenant')
    const common = {
      id: `ngm_${crypto.randomUUID().replaceAll('-', '')}`,
      object: 'ngram_model' as const,
      created: Math.floor(Date.now() / 1000),
    }
    if (order.kind === 'mixture') {
      const card = { ...common, ...(await mixtureCard(models, tenant, order.mixture)) }
      await models.put(tenant, card, null)
      return context.json(card)
    }
    const options = trainingOptions(order.training, limits)
    const trained = await train(order.file, options).catch((error: unknown) => {
      if (!(error instanceof NgramError)) throw error
      const param = order.training.format === undefined ? 'file' : 'format'
      throw new ApiError('ngram_model_invalid', {
        message: `Not usable: ${error.message}.`,
        param,
        cause: error,
      })
    })
    const card = { ...common, ...trainedCard(trained, order.training) }
    await models.put(tenant, card, new Uint8Array(trained.bytes))
    return context.json(card)
  }
}

/** `GET`: a page of them. */
export function listNgramModels(models: NgramModels): Handler<EdgeEnv> {
  return async context => {
    const query = NgramModelListQuery.safeParse(context.req.query())
    if (!query.success) throw toValidationError(query.error)
    const { limit, after } = query.data
    const { cards, hasMore } = await models.list(context.get('tenant'), limit, after)
    const list: NgramModelList = { object: 'list', data: cards, has_more: hasMore }
    return context.json(list)
  }
}

/** `GET /:id`. */
export function ngramModel(models: NgramModels): Handler<EdgeEnv> {
  return async context =>
    context.json(await models.get(context.get('tenant'), idOf(context.req.param('id')), null))
}

/** `DELETE /:id`. */
export function deleteNgramModel(models: NgramModels): Handler<EdgeEnv> {
  return async context => {
    const id = idOf(context.req.param('id'))
    await models.delete(context.get('tenant'), id)
    const deleted: NgramModelDeleted = { id, object: 'ngram_model', deleted: true }
    return context.json(deleted)
  }
}

async function readOrder(request: Request, limits: Limits): Promise<NgramModelOrder> {
  const type = request.headers.get('content-type') ?? ''
  if (/^multipart\/form-data\b/i.test(type)) {
    const { maxNgramFileBytes: maxFileBytes, maxFieldBytes } = limits
    return parseNgramForm(await readMultipart(request, { maxFileBytes, maxFieldBytes }))
  }
  requireJson(request)
  return parseNgramJson(parseJson(await readBody(request, limits.maxBodyBytes)))
}

function trainingOptions(training: NgramTraining, limits: Limits): TrainingOptions {
  return {
    ...(training.format && { format: training.format }),
    order: training.order ?? 3,
    smoothing: smoothingOf(training),
    prune: training.prune ?? [],
    // What recognizers write has capitals and punctuation; models rarely do.
    tokenizer: {
      tokenization: training.tokenization ?? 'segments',
      lowercase: training.lowercase ?? true,
      locale: training.locale ?? null,
    },
    heldOut: training.held_out ?? 0,
    maximumCharacters: limits.maxNgramTextCharacters,
    maximumNgrams: limits.maxNgrams,
  }
}

function smoothingOf({ smoothing: method = 'modified-kneser-ney', k, discount }: NgramTraining): Smoothing {
  if (method === 'add-k') return { method, k: k! }
  if (method === 'modified-kneser-ney') return { method, discountFallback: DISCOUNT_FALLBACK }
  if (method === 'laplace' || method === 'katz') return { method }
  return { method, ...(discount !== undefined && { discount }) }
}

type Described = Omit<NgramModelCard, 'id' | 'object' | 'created'>

function trainedCard(trained: TrainedModel, training: NgramTraining): Described {
  const { tokenization, lowercase, locale } = trained.tokenizer ?? plainTokenizer
  const { heldOut } = trained
  const finite = (value: number) => (Number.isFinite(value) ? value : null)
  return {
    name: training.name ?? null,
    source: trained.format,
    order: trained.order,
    ngrams: [...trained.sizes],
    bytes: trained.bytes.byteLength,
    smoothing: trained.format === 'text' ? (training.smoothing ?? 'modified-kneser-ney') : null,
    tokenization,
    lowercase,
    locale,
    text: trained.text,
    perplexity: heldOut && {
      tokens: heldOut.tokens,
      unknown_words: heldOut.unknown,
      including_unknown: finite(heldOut.includingUnknown),
      excluding_unknown: finite(heldOut.excludingUnknown),
    },
    models: null,
  }
}

async function mixtureCard(models: NgramModels, tenant: string, mixture: NgramMixture): Promise<Described> {
  const { tokenizer } = await models.open(tenant, mixture.models, 'models')
  const cards = await Promise.all(mixture.models.map(({ id }) => models.get(tenant, id, 'models')))
  const order = Math.max(...cards.map(card => card.order))
  const sum = mixture.models.reduce((total, { weight }) => total + weight, 0)
  return {
    name: mixture.name ?? null,
    source: 'mixture',
    order,
    ngrams: Array.from({ length: order }, (_, index) =>
      cards.reduce((total, card) => total + (card.ngrams[index] ?? 0), 0),
    ),
    bytes: 0,
    smoothing: null,
    tokenization: tokenizer.tokenization,
    lowercase: tokenizer.lowercase,
    locale: tokenizer.locale,
    text: null,
    perplexity: null,
    models: mixture.models.map(({ id, weight }) => ({ id, weight: weight / sum })),
  }
}

/** Ids are parts of keys; what isn't one names no model. @throws ApiError `ngram_model_not_found` */
function idOf(id: string | undefined): string {
  if (id !== undefined && /^ngm_[0-9a-z]{8,64}$/.test(id)) return id
  throw new ApiError('ngram_model_not_found', {
    message: 'There is no such n-gram model. GET /v1/ngram-models lists yours.',
  })
}
