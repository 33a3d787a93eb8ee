/**
 * `POST /v1/audio/rescore`: n-best hypotheses of any recognizer, put in order by n-gram models. And the fields that
 * name an n-gram model in other requests.
 */
import * as z from 'zod'
import { maxHotwords, maxHypotheses, maxMixtureModels } from './limits.ts'

/** Id of a model that `POST /v1/ngram-models` made. */
export const NgramModelId = z.string().regex(/^ngm_[0-9a-z]{8,64}$/, 'expected an id of /v1/ngram-models')

/** One model, or several mixed: p(w | h) = Σ weight · p_i(w | h). Weights are made to sum to 1. */
export const NgramModelReference = z.union([
  NgramModelId,
  z
    .array(z.strictObject({ id: NgramModelId, weight: z.number().gt(0) }))
    .min(1)
    .max(maxMixtureModels),
])
export type NgramModelReference = z.infer<typeof NgramModelReference>

/** Words and phrases that are likelier here than elsewhere. */
export const Hotwords = z.array(z.string().min(1).max(128)).min(1).max(maxHotwords)

/** What a model has to say where the request doesn't; docs/ngram.md shows where they come from. */
export const defaultNgramWeight = 0.1
export const defaultWordBonus = 0.5

/** What a request says of n-gram models. */
export const ngramFields = {
  ngram_model: NgramModelReference.optional(),
  /** What the model's log-probability is multiplied with. */
  ngram_weight: z.number().min(0).max(10).optional(),
  /** Natural logarithm, added for each word: against a liking for short texts. */
  word_bonus: z.number().min(-10).max(10).optional(),
  hotwords: Hotwords.optional(),
}

/** What a score is made of, natural logarithms: score = acoustic + ngram + length. */
export const ScoreParts = z.object({
  acoustic: z.number(),
  /** The n-gram model's log-probability of the words and the end of the sentence, times the weight. */
  ngram: z.number(),
  /** The bonus for each word, and what hotwords add. */
  length: z.number(),
})
export type ScoreParts = z.infer<typeof ScoreParts>

/** The request. */
export const RescoreRequest = z.strictObject({
  hypotheses: z
    .array(
      z.strictObject({
        text: z.string().max(16_384),
        /** Natural logarithm of its probability given the sound, as the recognizer has it. */
        acoustic_logprob: z.number(),
      }),
    )
    .min(1)
    .max(maxHypotheses),
  ...ngramFields,
})
export type RescoreRequest = z.infer<typeof RescoreRequest>

/** A hypothesis in its place. */
export const RescoredHypothesis = z.object({
  text: z.string(),
  /** Its place in the list that was sent, from 0. */
  index: z.int().min(0),
  score: z.number(),
  parts: ScoreParts,
  /** The model's log-probability, not weighted; null without a model. */
  ngram_logprob: z.number().nullable(),
  word_count: z.int().min(0),
  /** Words that the model doesn't know; empty without one. */
  unknown_words: z.array(z.string()),
})

/** The answer: the hypotheses, best first. */
export const Rescored = z.object({
  object: z.literal('rescore'),
  hypotheses: z.array(RescoredHypothesis),
})
export type Rescored = z.infer<typeof Rescored>
