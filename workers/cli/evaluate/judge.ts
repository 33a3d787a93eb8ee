/** From answers to figures: each answer judged by its task, each set under each condition summed up. */
import { type BleuTokenizer, corpusBleu } from './bleu.ts'
import { countErrors } from './edit-distance.ts'
import { charactersOf, wordsOf } from './normalize-text.ts'
import type { Figure, SampleResult } from './results.ts'
import { formats, NONE_OF_THESE, type Sample, saysNothing } from './sample.ts'
import type { Answered } from './server.ts'

/** Judges one answer. @param inText what the language model alone says to a spoken question; null elsewhere */
export function judge(sample: Sample, condition: string, answered: Answered): SampleResult {
  const { task, set, id, reference } = sample
  const common = {
    type: 'sample' as const,
    set,
    condition,
    id,
    task: task.kind,
    reference,
    answer: answered.text,
    declined: null,
    errors: null,
    units: null,
    right: null,
    tokens: answered.tokens,
    audio_seconds: answered.audioSeconds,
    milliseconds: answered.milliseconds,
  }
  switch (task.kind) {
    case 'transcribe': {
      const split = (text: string) =>
        task.units === 'words' ? wordsOf(text, task.language) : charactersOf(text)
      return { ...common, ...countErrors(split(reference), split(answered.text)) }
    }
    case 'translate':
      return common
    case 'classify': {
      const declined = answered.declined ?? false
      // What is outside the labels has one right answer: none.
      const answer = reference === NONE_OF_THESE && declined ? NONE_OF_THESE : answered.text
      return { ...common, answer, declined, right: answer === reference }
    }
    case 'answer':
      return { ...common, right: task.accept === null ? null : holds(answered.text, task.accept) }
    case 'obey':
      return { ...common, right: formats[task.format](answered.text) }
    case 'nothing':
      return { ...common, right: saysNothing(answered.text) }
  }
}

/** Whether an answer holds one of the texts, in any case. */
export function holds(answer: string, accepted: readonly string[]): boolean {
  const text = answer.toLowerCase()
  return accepted.some(each => text.includes(each.toLowerCase()))
}

/** What each metric of right and wrong answers is called. */
const SHARES: Readonly<Record<string, readonly [metric: string, ofRight: boolean]>> = {
  classify: ['accuracy', true],
  answer: ['right answers', true],
  obey: ['format obeyed', true],
  nothing: ['invented words', false],
}

/** The figures of a set under a condition; all of one task. */
export function figuresOf(
  model: string,
  results: readonly SampleResult[],
  tokenizer: BleuTokenizer = '13a',
): Figure[] {
  const { set, condition, task } = results[0]!
  const sum = (value: (result: SampleResult) => number) =>
    results.reduce((total, result) => total + value(result), 0)
  const figure = (
    metric: string,
    unit: string,
    value: number,
    lowerIsBetter: boolean | null,
    count = results.length,
  ): Figure => ({
    type: 'figure',
    model,
    set,
    condition,
    metric,
    unit,
    value,
    count,
    lower_is_better: lowerIsBetter,
  })
  const figures: Figure[] = []
  if (task === 'transcribe') {
    const share = (100 * sum(({ errors }) => errors!)) / sum(({ units }) => units!)
    figures.push(figure('error rate', '%', share, true))
  }
  if (task === 'translate') {
    const [answers, references] = [
      results.map(({ answer }) => answer),
      results.map(({ reference }) => reference),
    ]
    figures.push(figure('BLEU', 'BLEU', corpusBleu(answers, references, tokenizer), false))
  }
  const judged = results.filter(({ right }) => right !== null)
  const share = SHARES[task]
  if (share !== undefined && judged.length > 0) {
    const [metric, ofRight] = share
    const counted = judged.filter(({ right }) => right === ofRight).length
    figures.push(figure(metric, '%', (100 * counted) / judged.length, !ofRight, judged.length))
  }
  const declined = results.filter(each => each.declined).length
  if (task === 'classify')
    figures.push(figure('none of the labels', '%', (100 * declined) / results.length, null))
  else figures.push(figure('answer length', 'tokens', sum(({ tokens }) => tokens) / results.length, null))
  const seconds = sum(({ milliseconds }) => milliseconds) / 1000
  figures.push(figure('time', 's a request', seconds / results.length, true))
  return figures
}

/** How often each label was taken for each other: [right label][answer], in the order of `labels`. */
export function confusionOf(results: readonly SampleResult[]): { labels: string[]; counts: number[][] } {
  const labels = [...new Set(results.flatMap(({ reference, answer }) => [reference, answer]))].toSorted()
  const counts = labels.map(right =>
    labels.map(answer => results.filter(each => each.reference === right && each.answer === answer).length),
  )
  return { labels, counts }
}
