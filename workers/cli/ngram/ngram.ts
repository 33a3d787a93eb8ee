/** `auricle ngram ...` */
import { UsageError } from '../usage-error.ts'
import { generateText } from './generate.ts'
import { perplexity, query } from './query.ts'
import { compare, convert, mix, prune } from './tables.ts'
import { train } from './train.ts'

const subcommands: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  train,
  perplexity,
  query,
  generate: generateText,
  prune,
  mix,
  convert,
  compare,
}

const usage = `auricle ngram SUBCOMMAND ... (docs/ngram.md)
  train TEXT... --out MODEL     counts, smooths and writes a model
  perplexity MODEL [TEXT]       how well the model expects a text
  query MODEL [TEXT]            log10 of the probability of each word
  generate MODEL                sentences from the model
  prune ARPA --threshold T --out MODEL   drops what the model would hardly miss
  mix ARPA ARPA... --held-out TEXT --out MODEL   one model of several
  convert ARPA --out MODEL      between ARPA and binary
  compare ARPA ARPA             how far two models are apart
MODEL is written as ARPA where it ends in .arpa or .gz, else as a binary; TEXT and ARPA may be in gzip; - is
standard input.`

/** @throws UsageError for a subcommand that isn't there */
export async function ngram([name = '', ...args]: readonly string[]): Promise<void> {
  const subcommand = subcommands[name]
  if (name === '--help' || name === '-h') {
    console.log(usage)
    return
  }
  if (!subcommand) throw new UsageError(name === '' ? usage : `There is no 'ngram ${name}'.\n${usage}`)
  await subcommand(args)
}
