/** `/v1/ngram-models`: language models of a tenant, made of text, of ARPA files, or of other models. */
import * as z from 'zod'
import { maxMixtureModels } from './limits.ts'
import { NgramModelId } from './rescore.ts'

/** The names of src/ngram/smoothing.ts. */
export const SmoothingMethod = z.enum([
  'laplace',
  'add-k',
  'absolute',
  'katz',
  'kneser-ney',
  'interpolated-kneser-ney',
  'modified-kneser-ney',
])

/** How text is cut into words: at spaces, into characters, or by the rules of Unicode and a language's dictionary. */
export const Tokenization = z.enum(['whitespace', 'characters', 'segments'])

const name = z.string().min(1).max(256).optional()

/** What a model of text or of an ARPA file depends on, beside the file. */
export const NgramTraining = z.strictObject({
  name,
  /** Left out: seen from the file's first bytes. */
  format: z.enum(['text', 'arpa', 'binary']).optional(),
  order: z.int().min(1).max(10).optional(),
  smoothing: SmoothingMethod.optional(),
  /** For `add-k`. */
  k: z.number().gt(0).max(100).optional(),
  /** For `absolute`, `kneser-ney` and `interpolated-kneser-ney`; left out: from the counts. */
  discount: z.number().gt(0).lt(1).optional(),
  /** By length: n-grams that occur at most so often are left out. */
  prune: z.array(z.int().min(0).max(1_000_000)).max(10).optional(),
  tokenization: Tokenization.optional(),
  lowercase: z.boolean().optional(),
  /** BCP 47, for `segments`. */
  locale: z
    .string()
    .regex(/^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8}){0,4}$/, 'expected a language tag such as zh')
    .optional(),
  /** Share of the sentences that isn't learned, and on which the perplexity is measured. */
  held_out: z.number().min(0).max(0.5).optional(),
})
export type NgramTraining = z.infer<typeof NgramTraining>

/** The same with the text itself, as JSON. */
export const NgramTrainingText = NgramTraining.extend({ text: z.string().min(1) })

/** Several models as one: p(w | h) = Σ weight · p_i(w | h). */
export const NgramMixture = z.strictObject({
  name,
  models: z
    .array(z.strictObject({ id: NgramModelId, weight: z.number().gt(0) }))
    .min(2)
    .max(maxMixtureModels),
})
export type NgramMixture = z.infer<typeof NgramMixture>

/** What is known of a model. */
export const NgramModelCard = z.object({
  id: NgramModelId,
  object: z.literal('ngram_model'),
  /** Unix time in seconds. */
  created: z.int(),
  name: z.string().nullable(),
  /** What it was made of. */
  source: z.enum(['text', 'arpa', 'binary', 'mixture']),
  order: z.int().min(1),
  /** n-grams by length, from 1; of a mixture those of all its models. */
  ngrams: z.array(z.int().min(0)),
  /** Of the binary. */
  bytes: z.int().min(0),
  smoothing: SmoothingMethod.nullable(),
  tokenization: Tokenization,
  lowercase: z.boolean(),
  locale: z.string().nullable(),
  /** What was learned. */
  text: z.object({ sentences: z.int().min(0), words: z.int().min(0) }).nullable(),
  /** On the sentences that were held out. */
  perplexity: z
    .object({
      /** Words and ends of sentences. */
      tokens: z.int().min(0),
      unknown_words: z.int().min(0),
      including_unknown: z.number().nullable(),
      excluding_unknown: z.number().nullable(),
    })
    .nullable(),
  /** Of a mixture; the weights sum to 1. */
  models: z.array(z.object({ id: NgramModelId, weight: z.number() })).nullable(),
})
export type NgramModelCard = z.infer<typeof NgramModelCard>

/** A page of models. */
export const NgramModelList = z.object({
  object: z.literal('list'),
  data: z.array(NgramModelCard),
  /** Whether there are more after the last one; ask with its id as `after`. */
  has_more: z.boolean(),
})
export type NgramModelList = z.infer<typeof NgramModelList>

/** What a list is asked for, as a query string. */
export const NgramModelListQuery = z.object({
  limit: z.coerce.number<string>().int().min(1).max(100).default(20),
  after: NgramModelId.optional(),
})

/** A model that is gone. */
export const NgramModelDeleted = z.object({
  id: NgramModelId,
  object: z.literal('ngram_model'),
  deleted: z.literal(true),
})
export type NgramModelDeleted = z.infer<typeof NgramModelDeleted>
