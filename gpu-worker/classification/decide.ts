/** From what the labels scored to an answer. Pure. */
import type { ClassificationQuestion, ClassificationResult } from '../../src/protocol/classifications.ts'
import type { Classified } from './classify.ts'

/** The labels as they were scored. */
export interface ScoredLabels {
  readonly labels: readonly string[]
  /** [labels][tokens] behind the recording, natural logarithms. */
  readonly logprobs: readonly (readonly number[])[]
  /** [labels] behind silence and noise, all tokens together. */
  readonly priors: readonly number[]
}

/**
 * How much of the prior is taken off: all of it makes too much of what is hardly ever answered, nothing of it too much of
 * what the model likes to say. Half was the best of quarters on kept-out recordings (docs/log.md).
 */
const PRIOR_SHARE = 0.5

/** How well each label fits: its log-probability, freed of the model's liking for it: [labels], in nats. */
export function gainsOf({ logprobs, priors }: Pick<ScoredLabels, 'logprobs' | 'priors'>): number[] {
  return logprobs.map((tokens, index) => total(tokens) - PRIOR_SHARE * priors[index]!)
}

/** How well a label must fit, in nats, to be as likely as none of them ... */
const NONE_OF_THESE = 4
/** ... where nothing else fits better, by more than this. */
const OUTSIDE_MARGIN = 2

/** What a request says of its answer. */
type Wanted = Partial<Pick<ClassificationQuestion, 'multi_label' | 'threshold' | 'top_k'>>

const DEFAULT_THRESHOLD = 0.5

/**
 * Scores by the softmax of how well each label fits, with none of them among them.
 * @param outside the same of what else it might be; null: nothing else, one of the labels fits
 */
export function decide(
  { labels, logprobs, priors }: ScoredLabels,
  outside: readonly number[] | null,
  { multi_label: isMulti = false, threshold, top_k: topK = labels.length }: Wanted,
): Omit<Classified, 'usage'> {
  const gains = gainsOf({ logprobs, priors })
  const none =
    outside === null
      ? Number.NEGATIVE_INFINITY
      : Math.max(NONE_OF_THESE, ...outside.map(gain => gain - OUTSIDE_MARGIN))
  const [best, second] = gains.toSorted((a, b) => b - a)
  const whole = logSumExp([...gains, none])
  const results = labels
    .map((label, index): ClassificationResult => {
      const gain = gains[index]!
      return {
        label,
        index,
        score: isMulti ? 1 / (1 + Math.exp(none - gain)) : Math.exp(gain - whole),
        margin: gain - (gain === best ? second! : best!),
        logprob: total(logprobs[index]!),
        prior_logprob: priors[index]!,
      }
    })
    .sort((a, b) => gains[b.index]! - gains[a.index]! || a.index - b.index)
  const noneOfThese = isMulti
    ? results.reduce((product, { score }) => product * (1 - score), 1)
    : Math.exp(none - whole)
  const fits = isMulti
    ? results.filter(({ score }) => score >= (threshold ?? DEFAULT_THRESHOLD))
    : results.slice(0, 1).filter(({ score }) => score >= Math.max(threshold ?? 0, noneOfThese))
  return {
    label: fits[0]?.label ?? null,
    labels: fits.map(({ label }) => label),
    noneOfThese,
    results: results.slice(0, topK),
  }
}

function total(logprobs: readonly number[]): number {
  return logprobs.reduce((sum, logprob) => sum + logprob, 0)
}

function logSumExp(values: readonly number[]): number {
  const max = Math.max(...values)
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0))
}
