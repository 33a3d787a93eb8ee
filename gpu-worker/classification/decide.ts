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

/** How much likelier the recording makes each label than silence and noise do: [labels], in nats. */
export function gainsOf({ logprobs, priors }: Pick<ScoredLabels, 'logprobs' | 'priors'>): number[] {
  return logprobs.map((tokens, index) => tokens.reduce((sum, logprob) => sum + logprob, 0) - priors[index]!)
}

/** How much likelier a recording must make a label, in nats, for it to be as likely as none of them ... */
const NONE_OF_THESE = 2
/** ... where it doesn't make something else even likelier, by more than this. */
const OUTSIDE_MARGIN = 1

/** What a request says of its answer. */
type Wanted = Partial<Pick<ClassificationQuestion, 'multi_label' | 'threshold' | 'top_k'>>

const DEFAULT_THRESHOLD = 0.5

/**
 * Scores by how much likelier the recording makes each label than silence and noise do: with labels equally likely
 * before it is heard, the softmax of that is how likely each is after.
 * @param outside the same gains of what else it might be; null: nothing else, one of the labels fits
 */
export function decide(
  { labels, logprobs, priors }: ScoredLabels,
  outside: readonly number[] | null,
  { multi_label: isMulti = false, threshold, top_k: topK = labels.length }: Wanted,
): Omit<Classified, 'usage'> {
  const totals = logprobs.map(tokens => tokens.reduce((sum, logprob) => sum + logprob, 0))
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
        logprob: totals[index]!,
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

function logSumExp(values: readonly number[]): number {
  const max = Math.max(...values)
  return max + Math.log(values.reduce((sum, value) => sum + Math.exp(value - max), 0))
}
