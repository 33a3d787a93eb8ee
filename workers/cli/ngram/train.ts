/** `auricle ngram train`: from text to a model. */
import { Corpus } from '../../../src/ngram/corpus.ts'
import { countNgrams } from '../../../src/ngram/count.ts'
import { SMOOTHING_METHODS, type Smoothing, smooth } from '../../../src/ngram/smoothing.ts'
import type { TokenizerOptions } from '../../../src/ngram/tokenizer.ts'
import { number, numbers, oneOf, readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { readLines, readText, writeModel } from './files.ts'

const usage = `auricle ngram train TEXT... --out MODEL
  --order 3               the longest n-grams
  --smoothing NAME        ${SMOOTHING_METHODS.join(', ')}
                          (modified-kneser-ney)
  --k 0.1                 for add-k
  --discount 0.75         for absolute, kneser-ney, interpolated-kneser-ney; by default from the counts
  --discount-fallback 0.5,1,1.5   for modified-kneser-ney on small texts
  --katz-threshold 5      for katz: higher counts are believed
  --prune 0,0,1           by order: n-grams that occur at most so often are left out
  --unigram-mass uniform  or unknown, none: who gets what the single words' discounts leave
  --tokenization whitespace   or characters, segments (Intl.Segmenter)
  --locale zh             for segments
  --lowercase
  --vocabulary FILE       the only words there are, between spaces; others are <unk>
  --skip-special-words    <s>, </s>, <unk> in the text are left out instead of refused`

const options = {
  out: { type: 'string' },
  order: { type: 'string', default: '3' },
  smoothing: { type: 'string', default: 'modified-kneser-ney' },
  k: { type: 'string' },
  discount: { type: 'string' },
  'discount-fallback': { type: 'string' },
  'katz-threshold': { type: 'string' },
  prune: { type: 'string' },
  'unigram-mass': { type: 'string', default: 'uniform' },
  tokenization: { type: 'string', default: 'whitespace' },
  locale: { type: 'string' },
  lowercase: { type: 'boolean', default: false },
  vocabulary: { type: 'string' },
  'skip-special-words': { type: 'boolean', default: false },
} as const

type Values = ReturnType<typeof readArguments<typeof options>>['values']

/** @throws UsageError, NgramError */
export async function train(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(args, options, usage)
  if (positionals.length === 0 || values.out === undefined) throw new UsageError(usage)
  const tokenizer: TokenizerOptions = {
    tokenization: oneOf('tokenization', values.tokenization, ['whitespace', 'characters', 'segments']),
    lowercase: values.lowercase,
    locale: values.locale ?? null,
  }
  const smoothing = smoothingOf(values)
  const corpus = new Corpus({
    tokenizer,
    specialWords: values['skip-special-words'] ? 'skip' : 'refuse',
    ...(values.vocabulary !== undefined && { closedVocabulary: await readWords(values.vocabulary) }),
  })
  for (const path of positionals) {
    for await (const chunk of readText(path)) corpus.append(chunk)
    corpus.end()
  }
  const counts = countNgrams(corpus, number('order', values.order))
  const table = smooth(counts, smoothing, {
    tokenizer,
    unigramMass: oneOf('unigram-mass', values['unigram-mass'], ['uniform', 'unknown', 'none']),
    ...(values.prune !== undefined && { prune: numbers('prune', values.prune) }),
  })
  console.error(
    `${corpus.sentences} sentences, ${corpus.words} words, ${counts.vocabulary.size - 3} different ones`,
  )
  console.error(await writeModel(values.out, table))
}

function smoothingOf(values: Values): Smoothing {
  const method = oneOf('smoothing', values.smoothing, SMOOTHING_METHODS)
  const discount = values.discount !== undefined && { discount: number('discount', values.discount) }
  switch (method) {
    case 'laplace':
      return { method }
    case 'add-k':
      if (values.k === undefined) throw new UsageError('add-k needs --k, e.g. --k 0.1')
      return { method, k: number('k', values.k) }
    case 'katz':
      return {
        method,
        ...(values['katz-threshold'] !== undefined && {
          threshold: number('katz-threshold', values['katz-threshold']),
        }),
      }
    case 'modified-kneser-ney': {
      if (values['discount-fallback'] === undefined) return { method }
      const [one, two, three, ...more] = numbers('discount-fallback', values['discount-fallback'])
      if (one === undefined || two === undefined || three === undefined || more.length > 0) {
        throw new UsageError('--discount-fallback takes three numbers, e.g. 0.5,1,1.5')
      }
      return { method, discountFallback: [one, two, three] }
    }
    default:
      return { method, ...discount }
  }
}

async function readWords(path: string): Promise<string[]> {
  const words: string[] = []
  for await (const line of readLines(path)) words.push(...line.split(/\s+/).filter(word => word !== ''))
  return words
}
