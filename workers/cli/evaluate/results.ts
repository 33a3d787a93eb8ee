/** What came of a suite, as lines of JSON: one a sample, then one a figure. `auricle evaluate compare` reads them. */
import * as z from 'zod'

/** One answer to one sample under one condition. */
export const SampleResult = z.object({
  type: z.literal('sample'),
  set: z.string(),
  condition: z.string(),
  id: z.string(),
  task: z.string(),
  reference: z.string(),
  answer: z.string(),
  /** Null where only the whole set is judged, or nobody here can judge it. */
  right: z.boolean().nullable(),
  /** Of a classification: whether it would have given none of the labels. */
  declined: z.boolean().nullable(),
  /** Of a transcript. */
  errors: z.number().nullable(),
  units: z.number().nullable(),
  tokens: z.number(),
  audio_seconds: z.number(),
  milliseconds: z.number(),
})
export type SampleResult = z.infer<typeof SampleResult>

/** One figure of a set under a condition. */
export const Figure = z.object({
  type: z.literal('figure'),
  model: z.string(),
  set: z.string(),
  condition: z.string(),
  metric: z.string(),
  /** `%`, `BLEU`, `tokens`, ... */
  unit: z.string(),
  value: z.number(),
  /** Samples that it is made of. */
  count: z.number(),
  /** Whether a smaller value is the better one; null where neither is. */
  lower_is_better: z.boolean().nullable(),
})
export type Figure = z.infer<typeof Figure>

/** The figures of a file of results. @throws Error for a line that is none */
export function readFigures(text: string): Figure[] {
  return text
    .split('\n')
    .filter(line => line.trim() !== '')
    .map(line => z.discriminatedUnion('type', [SampleResult, Figure]).parse(JSON.parse(line)))
    .flatMap(line => (line.type === 'figure' ? [line] : []))
}
