/**
 * The figures of docs/ngram.md: perplexity over order and smoothing, size and perplexity over pruning, on a text whose
 * every tenth line is held out. Prints tables in Markdown, writes docs/figures/ngram-*.svg.
 *
 *     node scripts/ngram-figures.ts [TEXT]      a few minutes; TEXT: a sentence a line, plain or in gzip
 */
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { Corpus } from '../src/ngram/corpus.ts'
import { countNgrams } from '../src/ngram/count.ts'
import { NgramModel } from '../src/ngram/model.ts'
import { measurePerplexity } from '../src/ngram/perplexity.ts'
import { pruneByEntropy } from '../src/ngram/prune.ts'
import { type Smoothing, smooth } from '../src/ngram/smoothing.ts'
import { type Curve, linePlot } from './line-plot.ts'

const ORDERS = [1, 2, 3, 4, 5]
const SMOOTHINGS: readonly { name: string; smoothing: Smoothing }[] = [
  { name: 'Laplace', smoothing: { method: 'laplace' } },
  { name: 'add 0.01', smoothing: { method: 'add-k', k: 0.01 } },
  { name: 'absolute', smoothing: { method: 'absolute' } },
  { name: 'Katz', smoothing: { method: 'katz' } },
  { name: 'Kneser-Ney, back-off', smoothing: { method: 'kneser-ney' } },
  { name: 'Kneser-Ney, interpolated', smoothing: { method: 'interpolated-kneser-ney' } },
  { name: 'Kneser-Ney, modified', smoothing: { method: 'modified-kneser-ney' } },
]
const THRESHOLDS = [1e-9, 1e-8, 3e-8, 1e-7, 3e-7, 1e-6, 3e-6, 1e-5]

const path = process.argv[2] ?? fileURLToPath(new URL('../training/data/sentences.txt.gz', import.meta.url))
const bytes = await readFile(path)
const lines = (path.endsWith('.gz') ? gunzipSync(bytes) : bytes).toString().trimEnd().split('\n')
// As recognisers write: small letters, no punctuation.
const plain = lines.map(line => line.toLowerCase().replace(/[^a-z0-9' ]/g, ' '))
const corpus = new Corpus().append(`${plain.filter((_, index) => index % 10 !== 0).join('\n')}\n`)
const heldOut = plain
  .filter((_, index) => index % 10 === 0)
  .map(line => line.split(' ').filter(word => word !== ''))
console.log(`${corpus.words} words learned, ${heldOut.flat().length} asked for\n`)

const counts = ORDERS.map(order => countNgrams(corpus, order))
const bySmoothing: Curve[] = []
console.log(
  `| smoothing | ${ORDERS.map(order => `order ${order}`).join(' | ')} |\n|---|${'---|'.repeat(ORDERS.length)}`,
)
for (const { name, smoothing } of SMOOTHINGS) {
  const points: [number, number][] = []
  for (const [index, order] of ORDERS.entries()) {
    const model = NgramModel.fromTable(smooth(counts[index]!, smoothing))
    points.push([order, (await measurePerplexity(model, heldOut)).excludingUnknown])
  }
  bySmoothing.push({ name, points })
  console.log(`| ${name} | ${points.map(([, perplexity]) => perplexity.toFixed(1)).join(' | ')} |`)
}

console.log('\n| 4-grams, pruned by | n-grams | bytes | perplexity |\n|---|---|---|---|')
const byPruning: Curve[] = []
for (const { name, smoothing } of SMOOTHINGS.slice(-3)
  .concat(SMOOTHINGS[3]!)
  .filter((_, index) => index >= 2)) {
  const table = smooth(counts[3]!, smoothing)
  const points: [number, number][] = []
  for (const threshold of [0, ...THRESHOLDS]) {
    const model = NgramModel.fromTable(threshold === 0 ? table : pruneByEntropy(table, threshold))
    const { excludingUnknown } = await measurePerplexity(model, heldOut)
    points.push([model.bytes / 1e6, excludingUnknown])
    const ngrams = model.sizes.reduce((sum, size) => sum + size, 0)
    console.log(
      `| ${name}, ${threshold === 0 ? 'nothing' : threshold.toExponential(0)} | ${ngrams} | ${(model.bytes / 1e6).toFixed(2)} MB | ${excludingUnknown.toFixed(1)} |`,
    )
  }
  byPruning.push({ name, points })
}

const write = (name: string, svg: string) =>
  writeFile(new URL(`../docs/figures/${name}.svg`, import.meta.url), svg)
// Laplace's thousands and the single words' hundreds would flatten the rest.
await write(
  'ngram-smoothing',
  linePlot({
    x: 'order',
    y: 'perplexity of held-out text',
    curves: bySmoothing.slice(2).map(curve => ({ ...curve, points: curve.points.slice(1) })),
    isLogX: false,
  }),
)
await write(
  'ngram-pruning',
  linePlot({
    x: 'size of the binary, MB',
    y: 'perplexity of held-out text',
    curves: byPruning,
    isLogX: true,
  }),
)
