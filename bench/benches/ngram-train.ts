/**
 * A 5-gram model with modified Kneser-Ney smoothing from text, ours on one thread against KenLM's lmplz, which uses
 * several: in tokens a second, first as far as the model in memory, then as far as the ARPA file (lmplz makes only
 * those, so it is measured once, into /dev/null).
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { arpaChunks } from '../../src/ngram/arpa-write.ts'
import { Corpus } from '../../src/ngram/corpus.ts'
import { countNgrams } from '../../src/ngram/count.ts'
import { smooth } from '../../src/ngram/smoothing.ts'
import { type Bench, median } from '../bench.ts'
import { readBenchText, runKenlm } from '../ngram-references.ts'

const ORDER = 5

const ngramTrain: Bench = async function* ({ runs = 5, log }) {
  const text = await readBenchText()
  const folder = await mkdtemp(join(tmpdir(), 'auricle-bench-'))
  const path = join(folder, 'text')
  await writeFile(path, text)
  try {
    const seconds = { model: [] as number[], arpa: [] as number[], lmplz: [] as number[] }
    let words = 0
    // One more than is counted: the first warms the compiler and the file cache.
    for (let run = 0; run <= runs; run++) {
      const start = performance.now()
      const corpus = new Corpus().append(text).end()
      const table = smooth(countNgrams(corpus, ORDER), { method: 'modified-kneser-ney' })
      const modelled = performance.now()
      let length = 0
      for (const chunk of arpaChunks(table)) length += chunk.length
      const written = performance.now()
      await runKenlm(`lmplz -o ${ORDER} -S 1G -T ${folder} < ${path} > /dev/null`)
      const lmplz = performance.now() - written
      words = corpus.words
      if (run === 0) {
        const ngrams = table.levels.reduce((sum, { size }) => sum + size, 0)
        log(`${words} words, ${ngrams} n-grams, an ARPA file of ${(length / 1e6).toFixed(0)} MB`)
        continue
      }
      seconds.model.push((modelled - start) / 1000)
      seconds.arpa.push((written - start) / 1000)
      seconds.lmplz.push(lmplz / 1000)
    }
    const peer = { name: "KenLM's lmplz", value: words / median(seconds.lmplz) }
    yield { bench: 'ngram-train', value: words / median(seconds.model), unit: 'tokens/s', peer }
    yield { bench: 'ngram-train/arpa', value: words / median(seconds.arpa), unit: 'tokens/s', peer }
  } finally {
    await rm(folder, { recursive: true })
  }
}
export default ngramTrain
