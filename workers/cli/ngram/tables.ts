/** `auricle ngram prune`, `mix`, `convert`: models made of models; and `compare`. */
import { compareTables } from '../../../src/ngram/compare.ts'
import type { LanguageModel } from '../../../src/ngram/language-model.ts'
import { mergeTables } from '../../../src/ngram/merge.ts'
import { estimateWeights } from '../../../src/ngram/mixture.ts'
import { NgramModel } from '../../../src/ngram/model.ts'
import { pruneByEntropy } from '../../../src/ngram/prune.ts'
import { plainTokenizer, tokenize } from '../../../src/ngram/tokenizer.ts'
import { number, numbers, oneOf, readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { readLines, readTable, writeModel } from './files.ts'

/** @throws UsageError, NgramError */
export async function prune(args: readonly string[]): Promise<void> {
  const usage = 'auricle ngram prune ARPA --threshold 1e-8 --out MODEL'
  const { values, positionals } = readArguments(
    args,
    { threshold: { type: 'string' }, out: { type: 'string' } },
    usage,
  )
  const [path] = positionals
  if (path === undefined || values.threshold === undefined || values.out === undefined)
    throw new UsageError(usage)
  const pruned = pruneByEntropy(await readTable(path), number('threshold', values.threshold))
  console.error(await writeModel(values.out, pruned))
}

/** @throws UsageError, NgramError */
export async function mix(args: readonly string[]): Promise<void> {
  const usage = `auricle ngram mix ARPA ARPA... --out MODEL
  --held-out TEXT         weights under which this text is most probable, or
  --weights 0.7,0.3       these`
  const { values, positionals } = readArguments(
    args,
    { 'held-out': { type: 'string' }, weights: { type: 'string' }, out: { type: 'string' } },
    usage,
  )
  const { out, weights: given, 'held-out': heldOut } = values
  if (positionals.length < 2 || out === undefined || (given === undefined) === (heldOut === undefined)) {
    throw new UsageError(usage)
  }
  const tables = await Promise.all(positionals.map(readTable))
  let weights: readonly number[]
  if (heldOut === undefined) weights = numbers('weights', given!)
  else {
    const models = tables.map(table => NgramModel.fromTable(table) as LanguageModel<unknown>)
    const sentences = (async function* () {
      for await (const line of readLines(heldOut)) yield tokenize(line, plainTokenizer)
    })()
    const found = await estimateWeights(models, sentences)
    weights = found.weights
    console.error(
      `weights ${weights.map(weight => weight.toFixed(4)).join(' ')} after ${found.iterations} rounds, ` +
        `perplexity of the held-out text ${found.perplexity.toPrecision(6)}`,
    )
  }
  if (weights.length !== tables.length) throw new UsageError(`${tables.length} models need as many weights`)
  console.error(
    await writeModel(out, mergeTables(tables.map((table, index) => ({ table, weight: weights[index]! })))),
  )
}

/** @throws UsageError, NgramError */
export async function convert(args: readonly string[]): Promise<void> {
  const usage = `auricle ngram convert ARPA --out MODEL
  --tokenization characters   to note in a binary how text is to be cut; also --lowercase, --locale zh`
  const { values, positionals } = readArguments(
    args,
    {
      out: { type: 'string' },
      tokenization: { type: 'string', default: 'whitespace' },
      lowercase: { type: 'boolean', default: false },
      locale: { type: 'string' },
    },
    usage,
  )
  const [path] = positionals
  if (path === undefined || positionals.length > 1 || values.out === undefined) throw new UsageError(usage)
  const tokenizer = {
    tokenization: oneOf('tokenization', values.tokenization, ['whitespace', 'characters', 'segments']),
    lowercase: values.lowercase,
    locale: values.locale ?? null,
  }
  console.error(await writeModel(values.out, { ...(await readTable(path)), tokenizer }))
}

/** Prints how far two models are apart. @throws UsageError, NgramError */
export async function compare(args: readonly string[]): Promise<void> {
  const usage = 'auricle ngram compare ARPA ARPA'
  const { positionals } = readArguments(args, {}, usage)
  const [first, second] = positionals
  if (first === undefined || second === undefined || positionals.length > 2) throw new UsageError(usage)
  for (const level of compareTables(await readTable(first), await readTable(second))) {
    console.log(
      `${level.length}-grams: ${level.common} in both, ${level.onlyInFirst} and ${level.onlyInSecond} in one only; ` +
        `largest difference of log10 p ${level.log10Prob.toExponential(1)}, ` +
        `of back-offs ${level.log10Backoff.toExponential(1)}`,
    )
  }
}
