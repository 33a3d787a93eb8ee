/**
 * `POST /v1/audio/classifications`: which of the caller's own words fits a recording. Ours; OpenAI has nothing like it.
 */
import * as z from 'zod'
import { AudioPart, Usage } from './chat-completions.ts'
import { maxLabelCharacters, maxLabels } from './limits.ts'
import { type Taxonomy, taxonomies } from './taxonomies.ts'

const optional = <T extends z.ZodType>(schema: T) => schema.nullish().transform(value => value ?? undefined)

const label = z.string().trim().min(1, 'it is empty').max(maxLabelCharacters)

/** What is asked about a recording, wherever that comes from. */
export const ClassificationQuestion = z.strictObject({
  /** A chat model; `pocket:sft` is one of its checkpoints. */
  model: z.string().min(1).max(256),
  /** The labels, in the caller's own words. */
  labels: optional(
    z
      .array(label)
      .min(2)
      .max(maxLabels)
      .refine(labels => new Set(labels).size === labels.length, 'a label stands there twice'),
  ),
  /** A named set of labels in their place. */
  taxonomy: optional(z.enum(Object.keys(taxonomies) as [Taxonomy, ...Taxonomy[]])),
  /** The question that the labels answer; left out: what is heard. */
  prompt: optional(z.string().trim().min(1, 'it is empty').max(2000)),
  /** So many results, best first; left out: all. */
  top_k: optional(z.int().min(1).max(maxLabels)),
  /** Whether several labels may be right: each is then scored by itself. */
  multi_label: optional(z.boolean()),
  /** A label with a lower score isn't given as right. */
  threshold: optional(z.number().min(0).max(1)),
})
export type ClassificationQuestion = z.infer<typeof ClassificationQuestion>

/** The request as JSON. */
export const ClassificationRequest = ClassificationQuestion.extend({
  /** The recording, as a part of a chat message. */
  audio: AudioPart,
})
export type ClassificationRequest = z.infer<typeof ClassificationRequest>

/** The request as a form, beside its `file`; lists as repeated fields. */
export const ClassificationForm = ClassificationQuestion.extend({
  /** A file that was uploaded, in the place of `file`. */
  file_id: z.string().optional(),
})

/** One label. */
export const ClassificationResult = z.object({
  label: z.string(),
  /** Its place among the labels that were sent, from 0. */
  index: z.int().min(0),
  /** From 0 to 1: of all labels and none of them together 1; with `multi_label`, each by itself. */
  score: z.number().min(0).max(1),
  /** Natural logarithm, of how much likelier it is than the next best one, or for all but the best: than the best. */
  margin: z.number(),
  /** Natural logarithm of its probability as the model's answer. */
  logprob: z.number(),
  /** What it would be for silence and noise: half of it is taken off before labels are scored. */
  prior_logprob: z.number(),
})
export type ClassificationResult = z.infer<typeof ClassificationResult>

/** The answer. */
export const Classification = z.object({
  id: z.string(),
  object: z.literal('audio.classification'),
  /** Unix time in seconds. */
  created: z.int(),
  model: z.string(),
  /** The best label; null where none of these fits, or none reaches the threshold. */
  label: z.string().nullable(),
  /** All that fit, best first: with `multi_label` there may be several. */
  labels: z.array(z.string()),
  /** From 0 to 1: how likely it is that no label fits. */
  none_of_these: z.number().min(0).max(1),
  /** The labels, best first. */
  results: z.array(ClassificationResult),
  usage: Usage,
})
export type Classification = z.infer<typeof Classification>
