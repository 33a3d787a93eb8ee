import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readArpa } from './arpa-read.ts'
import { arpaChunks } from './arpa-write.ts'
import { byteStream } from './byte-streams.ts'
import { Corpus } from './corpus.ts'
import { countNgrams } from './count.ts'
import { NgramError } from './ngram-error.ts'
import { smooth } from './smoothing.ts'

const fromText = (text: string) => readArpa(new Blob([text]).stream())

/** Seven bytes at a time. */
const inPieces = (bytes: Uint8Array<ArrayBuffer>) =>
  new ReadableStream<Uint8Array<ArrayBuffer>>({
    start(controller) {
      for (let at = 0; at < bytes.length; at += 7) controller.enqueue(bytes.slice(at, at + 7))
      controller.close()
    },
  })

const arpa = `Written by hand.

\\data\\
ngram 1=4
ngram 2=2

\\1-grams:
-1.5\t<unk>
-99\t<s>\t-0.25
-0.5\t</s>
-0.75\tmusic\t-0.125

\\2-grams:
-0.25 <s> music
-0.0625\tmusic </s>

\\end\\
`

describe('reading', () => {
  it('reads words, probabilities, back-offs where there are any', async () => {
    const table = await fromText(arpa)
    expect(table.levels.map(({ size }) => size)).toEqual([4, 2])
    expect([...table.levels[0]!.log10Prob]).toEqual([-1.5, -99, -0.5, -0.75])
    expect([...table.levels[0]!.log10Backoff]).toEqual([0, -0.25, 0, -0.125])
    expect([...table.levels[1]!.words]).toEqual([1, 3, 3, 2])
  })

  it.each([
    ['the text is not ARPA', 'hello\n', /no '\\data\\'/],
    ['nothing at all', '', /no '\\data\\'/],
    ['it is cut off', arpa.slice(0, -7), /^line 15: .*cut off/],
    [
      'a count is not a count',
      arpa.replace('ngram 2=2', 'ngram 2=many'),
      /^line 5: expected 'ngram N=COUNT'/,
    ],
    ['a count is missing', arpa.replace('ngram 1=4\n', ''), /^line 4: .*1-grams here/],
    ['there are fewer', arpa.replace('ngram 2=2', 'ngram 2=3'), /announces 3 2-grams, there are 2/],
    [
      'words are fewer',
      arpa.replace('ngram 1=4', 'ngram 1=9'),
      /^line 13: .*announces 9 1-grams, there are 4/,
    ],
    ['a level is missing', arpa.replace('ngram 2=2', 'ngram 2=2\nngram 3=1'), /3-grams/],
    ['a level comes twice', arpa.replace('\\2-grams:', '\\1-grams:'), /^line 13: .*does not belong/],
    ['a number is none', arpa.replace('-0.75', '-0.x'), /^line 11: expected a number, not '-0.x'/],
    ['a back-off is none', arpa.replace('-0.125', 'nan'), /^line 11: expected a number, not 'nan'/],
    ['a probability is above 1', arpa.replace('-0.75', '0.75'), /^line 11: .*above 0/],
    ['a word is unknown', arpa.replace('<s> music', '<s> noise'), /^line 14: .*'noise' is not among/],
    ['a word is missing', arpa.replace('music </s>\n', 'music\n'), /^line 15: .*needs 2 words/],
    ['a field is too much', arpa.replace('music </s>\n', 'music </s> 0 0\n'), /^line 15: too many fields/],
    [
      'a word is listed twice',
      arpa.replace('-0.75\tmusic', '-0.75\t</s>'),
      /^line 11: .*'<\/s>' is listed twice/,
    ],
  ])('names the line where %s', async (_, text, message) => {
    const reading = fromText(text)
    await expect(reading).rejects.toThrow(NgramError)
    await expect(reading).rejects.toThrow(message)
  })

  it('keeps to its limits while reading', async () => {
    const limits = { maximumNgrams: 5, maximumLineLength: 40 }
    await expect(readArpa(new Blob([arpa]).stream(), limits)).rejects.toThrow(/^line 5: more than the 5/)
    const empty = `\\data\\\n${'\n'.repeat(20_000)}`
    await expect(readArpa(new Blob([empty]).stream(), limits)).rejects.toThrow(/too many lines/)
    const long = `\\data\\\n${'x'.repeat(100)}`
    await expect(readArpa(new Blob([long]).stream(), limits)).rejects.toThrow(/^line 2: this line/)
  })

  it('stops at the end', async () => {
    let pulled = 0
    const endless = new ReadableStream<Uint8Array<ArrayBuffer>>({
      pull: controller => controller.enqueue(new TextEncoder().encode(pulled++ === 0 ? arpa : 'more\n')),
    })
    expect((await readArpa(endless)).order).toBe(2)
    expect(pulled).toBeLessThan(10)
  })

  it('says so when bytes are no text, or gzip is cut off', async () => {
    await expect(readArpa(new Blob([Uint8Array.of(0xff, 0xfe, 0xff)]).stream())).rejects.toThrow(/UTF-8/)
    const zipped = await new Response(byteStream([arpa], true)).bytes()
    await expect(readArpa(new Blob([zipped.subarray(0, 60)]).stream())).rejects.toThrow(NgramError)
  })

  it('gives words of other tools their places: no <unk>, SRILM infinities', async () => {
    const text = arpa
      .replace('-1.5\t<unk>\n', '')
      .replace('ngram 1=4', 'ngram 1=3')
      .replace('-99\t<s>', '-inf\t<s>')
    const table = await fromText(text)
    expect([...table.levels[0]!.log10Prob.subarray(0, 2)]).toEqual([-100, -99])
  })
})

describe('writing', () => {
  it('gives back what was read, in gzip too, however the bytes are cut', async () => {
    const words = fc.constantFrom('a', 'b', 'ça', '音乐', '🎵', '-0.5', '\\data\\', '\\end\\')
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.array(words, { maxLength: 6 }), { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 4 }),
        fc.boolean(),
        async (sentences, order, gzip) => {
          const corpus = new Corpus().append(sentences.map(sentence => `${sentence.join(' ')}\n`).join(''))
          const table = smooth(countNgrams(corpus, order), { method: 'absolute' })
          const bytes = await new Response(byteStream(arpaChunks(table), gzip)).bytes()
          const back = await readArpa(inPieces(bytes))
          expect(back.levels.map(({ size }) => size)).toEqual(table.levels.map(({ size }) => size))
          table.levels.forEach((level, index) => {
            expect(back.levels[index]!.words).toEqual(level.words)
            level.log10Prob.forEach((prob, node) => {
              expect(back.levels[index]!.log10Prob[node]).toBeCloseTo(prob, 6)
              expect(back.levels[index]!.log10Backoff[node]).toBeCloseTo(level.log10Backoff[node]!, 6)
            })
          })
        },
      ),
      { numRuns: 40 },
    )
  })
})
