/**
 * The same 5-gram model in our binary and in KenLM's fastest one (probing), asked for each word of a text that it
 * wasn't trained on, one thread each: nanoseconds a query, bytes an n-gram (vocabulary and all), perplexity.
 */
import { mkdtemp, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arpaChunks } from '../../src/ngram/arpa-write.ts'
import { Corpus } from '../../src/ngram/corpus.ts'
import { countNgrams } from '../../src/ngram/count.ts'
import { NgramModel } from '../../src/ngram/model.ts'
import { measurePerplexity } from '../../src/ngram/perplexity.ts'
import { smooth } from '../../src/ngram/smoothing.ts'
import { SENTENCE_END } from '../../src/ngram/vocabulary.ts'
import { type Bench, median } from '../bench.ts'
import { readBenchText, runKenlm } from '../ngram-references.ts'

const ORDER = 5
/** How often the text is gone through in one measurement: KenLM starts cold each time, and gets warm like ours. */
const ROUNDS = 20
/** Every tenth line is asked for instead of learned. */
const HELD_OUT = 10

const ngramQuery: Bench = async function* ({ runs = 5, log }) {
  const lines = (await readBenchText()).trimEnd().split('\n')
  const heldOut = lines.filter((_, index) => index % HELD_OUT === 0)
  const learned = lines.filter((_, index) => index % HELD_OUT !== 0)
  const table = smooth(countNgrams(new Corpus().append(`${learned.join('\n')}\n`), ORDER), {
    method: 'modified-kneser-ney',
  })
  const model = NgramModel.fromTable(table)
  const ngrams = model.sizes.reduce((sum, size) => sum + size, 0)
  const sentences = heldOut.map(line => line.split(/\s+/).filter(word => word !== ''))
  const ids = sentences.map(words => [...words.map(word => model.vocabulary.idOf(word)), SENTENCE_END])

  const folder = await mkdtemp(join(tmpdir(), 'auricle-bench-'))
  const [arpa, binary, text] = ['arpa', 'binary', 'text'].map(name => join(folder, name)) as [
    string,
    string,
    string,
  ]
  try {
    await writeFile(arpa, arpaChunks(table))
    await writeFile(text, `${heldOut.join('\n')}\n`)
    await runKenlm(`build_binary -s probing ${arpa} ${binary}`)
    await runKenlm(`kenlm_benchmark -v -m ${binary} < ${text} > ${text}.once`)
    await runKenlm(`for round in $(seq ${ROUNDS}); do cat ${text}.once; done > ${text}.ids`)

    const ours: number[] = []
    const kenlm: number[] = []
    for (let run = 0; run <= runs; run++) {
      const nanoseconds = timeQueries(model, ids)
      const said = await runKenlm(`kenlm_benchmark -q -t 1 -m ${binary} < ${text}.ids`)
      const [, perQuery] = /Seconds per query excluding load, CPU: \S+ Wall: (\S+)/.exec(said) ?? []
      if (perQuery === undefined) throw new Error(`kenlm_benchmark said: ${said}`)
      if (run === 0) continue
      ours.push(nanoseconds)
      kenlm.push(Number(perQuery) * 1e9)
    }
    const queries = ids.reduce((sum, sentence) => sum + sentence.length, 0)
    log(`${queries} queries of a model of ${ngrams} n-grams`)
    yield {
      bench: 'ngram-query',
      value: median(ours),
      unit: 'ns',
      peer: { name: 'KenLM probing', value: median(kenlm) },
    }
    const { size } = await stat(binary)
    yield {
      bench: 'ngram-query/bytes',
      value: model.bytes / ngrams,
      unit: 'bytes/n-gram',
      peer: { name: 'KenLM probing', value: size / ngrams },
    }
    const printed = await runKenlm(`query -v summary ${binary} < ${text}`)
    yield {
      bench: 'ngram-query/perplexity',
      value: (await measurePerplexity(model, sentences)).includingUnknown,
      unit: 'perplexity',
      peer: { name: 'KenLM probing', value: Number(/including OOVs:\s*(\S+)/.exec(printed)?.[1]) },
    }
  } finally {
    await rm(folder, { recursive: true })
  }
}
export default ngramQuery

/** Nanoseconds a word, each scored from the state that the one before left. */
function timeQueries(model: NgramModel, sentences: readonly (readonly number[])[]): number {
  const first = model.start()
  let [next, spare] = [model.empty(), model.empty()]
  let queries = 0
  let sum = 0
  const start = performance.now()
  for (let index = 0; index < sentences.length * ROUNDS; index++) {
    const sentence = sentences[index % sentences.length]!
    let state = first
    for (const word of sentence) {
      sum += model.advance(state, word, next)
      state = next
      ;[next, spare] = [spare, next]
      queries++
    }
  }
  const nanoseconds = ((performance.now() - start) * 1e6) / queries
  // What nobody reads a compiler may leave out.
  if (!(sum < 0)) throw new Error(`the sum of log-probabilities is ${sum}`)
  return nanoseconds
}
