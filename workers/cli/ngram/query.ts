/** `auricle ngram perplexity` and `query`: what a model makes of a text. The output is that of KenLM's `query`. */
import type { LanguageModel } from '../../../src/ngram/language-model.ts'
import { estimateWeights, MixtureModel } from '../../../src/ngram/mixture.ts'
import { measurePerplexity, scoreSentence } from '../../../src/ngram/perplexity.ts'
import { plainTokenizer, tokenize } from '../../../src/ngram/tokenizer.ts'
import { numbers, readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { readLines, readModel } from './files.ts'

const perplexityUsage = `auricle ngram perplexity MODEL... [--text TEXT]
  several models are mixed with equal weights, or:
  --weights 0.7,0.3       these
  --held-out TEXT         those under which this text is most probable`

/** @throws UsageError, NgramError */
export async function perplexity(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(
    args,
    { text: { type: 'string' }, weights: { type: 'string' }, 'held-out': { type: 'string' } },
    perplexityUsage,
  )
  const [first, second] = positionals
  if (first === undefined) throw new UsageError(perplexityUsage)
  // One model and one text may stand without --text, as in `query`.
  const isPair = values.text === undefined && positionals.length === 2 && values.weights === undefined
  const paths = isPair ? [first] : positionals
  const models = await Promise.all(paths.map(readModel))
  const tokenizer = models[0]!.tokenizer ?? plainTokenizer
  const sentences = async function* (path: string) {
    for await (const line of readLines(path)) yield tokenize(line, tokenizer)
  }
  let model: LanguageModel<unknown> = models[0]! as LanguageModel<unknown>
  if (models.length > 1) {
    const parts = models as readonly LanguageModel<unknown>[]
    let weights = models.map(() => 1 / models.length)
    if (values.weights !== undefined) weights = numbers('weights', values.weights)
    if (values['held-out'] !== undefined) {
      weights = [...(await estimateWeights(parts, sentences(values['held-out']))).weights]
    }
    if (weights.length !== models.length) throw new UsageError(`${models.length} models need as many weights`)
    console.log(`Weights:\t${weights.map(weight => weight.toFixed(4)).join(' ')}`)
    model = new MixtureModel(parts.map((part, index) => ({ model: part, weight: weights[index]! })))
  }
  const result = await measurePerplexity(model, sentences(values.text ?? (isPair ? second! : '-')))
  console.log(`Perplexity including OOVs:\t${result.includingUnknown.toPrecision(6)}`)
  console.log(`Perplexity excluding OOVs:\t${result.excludingUnknown.toPrecision(6)}`)
  console.log(`OOVs:\t${result.unknown}`)
  console.log(`Tokens:\t${result.tokens}`)
}

/** @throws UsageError, NgramError */
export async function query(args: readonly string[]): Promise<void> {
  const usage = 'auricle ngram query MODEL [TEXT]'
  const { positionals } = readArguments(args, {}, usage)
  const [path, text = '-'] = positionals
  if (path === undefined || positionals.length > 2) throw new UsageError(usage)
  const model = await readModel(path)
  for await (const line of readLines(text)) {
    const sentence = scoreSentence(model, tokenize(line, model.tokenizer ?? plainTokenizer))
    const words = sentence.words.map(
      ({ word, log10Prob, isUnknown }) => `${word}${isUnknown ? ' (unknown)' : ''} ${log10Prob.toFixed(4)}`,
    )
    console.log(`${words.join('\t')}\tTotal: ${sentence.log10Prob.toFixed(4)} OOV: ${sentence.unknown}`)
  }
}
