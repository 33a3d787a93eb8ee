/**
 * What n-gram models do for recognition, on real recordings: Asterisk's telephone prompts (Debian), which nothing here
 * was trained on. Five folds: each prompt is heard with a model of the other folds' texts (mixed with general
 * sentences), and with weights chosen on the other folds. Then sentences that have nothing to do with telephones, with
 * the general model alone. Prints tables in Markdown, writes docs/figures/ngram-weight.svg.
 *
 *     apt-get install asterisk-core-sounds-en-wav
 *     node scripts/ngram-domain.ts TEXTS      core-sounds-en.txt.gz of asterisk-core-sounds-en; about ten minutes
 */
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { gunzipSync } from 'node:zlib'
import { decodeAudio } from '../gpu-worker/audio/decode.ts'
import { loadPacks } from '../gpu-worker/model/pack.ts'
import { loadSpeechModels } from '../gpu-worker/model/registry.ts'
import type { Hypothesis, TranscribeOptions } from '../gpu-worker/model/speech-model.ts'
import { loadRuntime } from '../gpu-worker/runtime/load-runtime.ts'
import { Corpus } from '../src/ngram/corpus.ts'
import { countNgrams } from '../src/ngram/count.ts'
import type { LanguageModel } from '../src/ngram/language-model.ts'
import { MixtureModel } from '../src/ngram/mixture.ts'
import { NgramModel } from '../src/ngram/model.ts'
import { seededRandom } from '../src/ngram/random.ts'
import { rescore } from '../src/ngram/rescore.ts'
import { smooth } from '../src/ngram/smoothing.ts'
import { DISCOUNT_FALLBACK } from '../src/ngram/train.ts'
import { wordErrors } from '../test/support/word-error-rate.ts'
import { linePlot } from './line-plot.ts'

const FOLDS = 5
const BEAM = 10
/** One window of Whisper's: one n-best list. */
const LONGEST_SECONDS = 29
/** Of the domain's model in its mixture with the general one. */
const DOMAIN_SHARE = 0.8
const RESCORING_WEIGHTS = [0, 0.05, 0.1, 0.2, 0.3, 0.4]
const FUSION_WEIGHTS = [0.1, 0.2, 0.3, 0.4]
const BONUSES = [0, 0.5, 1, 2]
const FUSION_BONUS = 0.5
const tokenizer = { tokenization: 'segments', lowercase: true, locale: null } as const
const root = new URL('../', import.meta.url)

/** Two spellings of the same: digits, contractions, compounds. How things are written isn't what is asked. */
const SPELLINGS: readonly (readonly [RegExp, string])[] = [
  [/\*/g, ' star '],
  [/#/g, ' pound '],
  [/[^a-z0-9' ]/g, ' '],
  [/\bcan't\b|\bcan not\b/g, 'cannot'],
  [/n't\b/g, ' not'],
  [/'re\b/g, ' are'],
  [/'m\b/g, ' am'],
  [/'ll\b/g, ' will'],
  [/'ve\b/g, ' have'],
  [/'d\b/g, ' would'],
  [/\b(it|that|here|there|what|who)'s\b/g, '$1 is'],
  [
    /\b(touch) (tone)\b|\b(mail) (box)\b|\b(file) (name)\b|\b(log) (in)\b|\b(black) (list)\b|\b(voice) (mail)\b/g,
    '$1$2$3$4$5$6$7$8$9$10$11$12',
  ],
  [/\b\d\b/g, ' $& '],
]
const DIGITS = ['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine']

interface Clip {
  text: string
  samples: Float32Array
}

type Errors = readonly number[]

const textsPath = process.argv[2]
if (textsPath === undefined) throw new Error('node scripts/ngram-domain.ts core-sounds-en.txt.gz')
const texts = promptTexts(gunzipSync(await readFile(textsPath)).toString())
const prompts = shuffled(await promptClips(texts))
const folds = prompts.map((_, index) => index % FOLDS)
const speech = await fixtureClips()
const general = generalSentences(await readFile(new URL('training/data/sentences.txt.gz', root)), speech)

const packs = await loadPacks(new URL('models', root).pathname)
const whisper = (await loadSpeechModels({ packs, runtime: await loadRuntime(), threads: 2 })).get(
  'whisper-tiny.en',
)!
const words = prompts.reduce((sum, { text }) => sum + wordErrors(text, '').words, 0)
console.log(`${prompts.length} prompts, ${words} words, ${texts.size} texts of the domain\n`)

const generalModel = modelOf(general)
const domainModels = Array.from({ length: FOLDS }, (_, fold) => {
  const asked = new Set(prompts.filter((_, index) => folds[index] === fold).map(({ text }) => plain(text)))
  const domain = modelOf([...texts.values()].filter(text => !asked.has(plain(text))))
  return new MixtureModel([
    { model: domain, weight: DOMAIN_SHARE },
    { model: generalModel, weight: 1 - DOMAIN_SHARE },
  ]) as LanguageModel<unknown>
})

const lists = await hearAll(prompts, () => null)
const baseline = errorsOf(prompts, lists)
console.log(`| domain, beam ${BEAM} | word errors | WER | relative |\n|---|---|---|---|`)
report('no model', baseline)
report(
  'best of the list (the least that rescoring can reach)',
  prompts.map(({ text }, index) =>
    Math.min(...lists[index]!.map(hypothesis => errors(text, hypothesis.text))),
  ),
)

const rescored = new Map<string, Errors>()
for (const weight of RESCORING_WEIGHTS)
  for (const bonus of BONUSES)
    rescored.set(
      `weight ${weight}, bonus ${bonus}`,
      prompts.map(({ text }, index) => errors(text, rescoredText(index, weight, bonus))),
    )
report('rescored, weights from the other folds', chosen(rescored))
const fused = new Map<string, Errors>()
for (const weight of FUSION_WEIGHTS) {
  const heard = await hearAll(prompts, index => ({ model: domainModels[folds[index]!]!, weight }))
  fused.set(`weight ${weight}`, errorsOf(prompts, heard))
}
report('fused, weight from the other folds', chosen(fused))
console.log('\n| rescored | word errors |\n|---|---|')
for (const [name, each] of rescored) console.log(`| ${name} | ${sum(each)} |`)
console.log('\n| fused | word errors |\n|---|---|')
for (const [name, each] of fused) console.log(`| ${name}, bonus ${FUSION_BONUS} | ${sum(each)} |`)
await writeFile(
  new URL('docs/figures/ngram-weight.svg', root),
  linePlot({
    x: 'weight of the n-gram model',
    y: 'word error rate, %',
    isLogX: false,
    curves: [
      { name: 'rescored, best bonus', points: rescoringCurve() },
      {
        name: `fused, bonus ${FUSION_BONUS}`,
        points: [
          [0, rate(baseline)] as const,
          ...FUSION_WEIGHTS.map(weight => [weight, rate(fused.get(`weight ${weight}`)!)] as const),
        ],
      },
    ],
  }),
)

const speechWords = speech.reduce((total, { text }) => total + wordErrors(text, '').words, 0)
console.log(`\n| general speech, ${speechWords} words | word errors |\n|---|---|`)
const alone = await hearAll(speech, () => null)
console.log(`| no model | ${sum(errorsOf(speech, alone))} |`)
for (const weight of FUSION_WEIGHTS) {
  const heard = await hearAll(speech, () => ({ model: generalModel, weight }))
  console.log(`| fused, general model, weight ${weight} | ${sum(errorsOf(speech, heard))} |`)
}
await whisper.close()
process.exit(0)

/** Each clip's n-best list. */
async function hearAll(
  clips: readonly Clip[],
  modelFor: (index: number) => { model: LanguageModel<unknown>; weight: number } | null,
): Promise<Hypothesis[][]> {
  const heard: Hypothesis[][] = []
  for (const [index, { samples }] of clips.entries()) {
    const model = modelFor(index)
    const options: TranscribeOptions = {
      language: 'en',
      prompt: null,
      temperature: null,
      beamSize: BEAM,
      segmentTimestamps: false,
      wordTimestamps: false,
      logprobs: false,
      nBest: BEAM,
      languageModel: model && { ...model, tokenizer, wordBonus: FUSION_BONUS },
      hotwords: [],
      vad: 'auto',
      tenant: 'default',
      signal: new AbortController().signal,
    }
    const list: Hypothesis[] = []
    for await (const event of whisper.transcribe(once(samples), options)) {
      if (event.type === 'segment' && event.segment.hypotheses) list.push(...event.segment.hypotheses)
    }
    heard.push(list.length > 0 ? list : [{ text: '', acoustic: 0, languageModel: null, length: 0, score: 0 }])
  }
  return heard
}

function rescoredText(index: number, weight: number, bonus: number): string {
  const hypotheses = lists[index]!.map(({ text, acoustic }) => ({ text, acousticLogprob: acoustic }))
  const model = domainModels[folds[index]!]!
  return rescore(model, hypotheses, { ngramWeight: weight, wordBonus: bonus, tokenizer })[0]!.text
}

/** The word error rate over the weight, each with the bonus that makes the fewest errors. */
function rescoringCurve(): [number, number][] {
  return RESCORING_WEIGHTS.map(weight => [
    weight,
    Math.min(...BONUSES.map(bonus => rate(rescored.get(`weight ${weight}, bonus ${bonus}`)!))),
  ])
}

/** Each prompt's errors under the setting that makes the fewest on the other folds. */
function chosen(settings: ReadonlyMap<string, Errors>): Errors {
  const best = Array.from({ length: FOLDS }, (_, fold) => {
    const others = ([, each]: [string, Errors]) => sum(each.filter((_, index) => folds[index] !== fold))
    const [name, each] = [...settings].reduce((one, other) => (others(other) < others(one) ? other : one))
    console.error(`fold ${fold}: ${name}`)
    return each
  })
  return prompts.map((_, index) => best[folds[index]!]![index]!)
}

function rate(each: Errors): number {
  return (100 * sum(each)) / words
}

function report(name: string, each: Errors): void {
  const total = sum(each)
  const relative = 100 * (total / sum(baseline) - 1)
  console.log(`| ${name} | ${total} | ${rate(each).toFixed(2)} % | ${relative.toFixed(1)} % |`)
}

function errorsOf(clips: readonly Clip[], heard: readonly Hypothesis[][]): Errors {
  return clips.map(({ text }, index) => errors(text, heard[index]![0]!.text))
}

function errors(reference: string, hypothesis: string): number {
  return wordErrors(plain(reference), plain(hypothesis)).errors
}

function plain(text: string): string {
  const spelt = SPELLINGS.reduce((line, [pattern, to]) => line.replace(pattern, to), text.toLowerCase())
  return spelt
    .split(/ +/)
    .filter(word => word !== '')
    .map(word => (/^\d$/.test(word) ? DIGITS[Number(word)]! : word))
    .join(' ')
}

function modelOf(lines: Iterable<string>): NgramModel & LanguageModel<unknown> {
  const corpus = new Corpus({ tokenizer, specialWords: 'skip' }).append(`${[...lines].join('\n')}\n`)
  const smoothing = { method: 'modified-kneser-ney', discountFallback: DISCOUNT_FALLBACK } as const
  const table = smooth(countNgrams(corpus, 3), smoothing, { tokenizer })
  return NgramModel.fromTable(table) as NgramModel & LanguageModel<unknown>
}

/** Names and texts; not those that describe a noise. */
function promptTexts(list: string): Map<string, string> {
  const all = new Map<string, string>()
  for (const line of list.split('\n')) {
    const [, name, text = ''] = /^([^;:][^:]*):\s*(.*)$/.exec(line) ?? []
    // Some describe what is heard instead.
    if (name === undefined || text.trim() === '' || /\[|\(|seconds? of silence|sound plays|note:/i.test(text))
      continue
    all.set(name.trim(), text.trim())
  }
  return all
}

/** The recordings of those with four words or more. */
async function promptClips(all: ReadonlyMap<string, string>): Promise<Clip[]> {
  const folder = '/usr/share/asterisk/sounds/en_US_f_Allison'
  const files = (await readdir(folder, { recursive: true })).filter(file => file.endsWith('.wav')).sort()
  const clips: Clip[] = []
  for (const file of files) {
    const text = all.get(file.slice(0, -4))
    if (text === undefined || text.split(/\s+/).length < 4) continue
    const samples = await samplesOf(`${folder}/${file}`)
    if (samples.length <= LONGEST_SECONDS * 16_000) clips.push({ text, samples })
  }
  return clips
}

/** Sentences by voices that nothing was trained on. */
async function fixtureClips(): Promise<Clip[]> {
  const clips: Clip[] = []
  for (const set of ['spoken-sentences', 'spoken-messages', 'spoken-questions']) {
    const folder = new URL(`test/fixtures/${set}/`, root)
    const entries = JSON.parse(await readFile(new URL('manifest.json', folder), 'utf8')) as {
      file: string
      text: string
    }[]
    for (const { file, text } of entries)
      clips.push({ text, samples: await samplesOf(new URL(file, folder)) })
  }
  return clips
}

/** Without what is said in the clips. */
function generalSentences(file: Uint8Array, clips: readonly Clip[]): string[] {
  const said = clips.map(({ text }) => plain(text)).join(' | ')
  return gunzipSync(file)
    .toString()
    .trimEnd()
    .split('\n')
    .filter(line => !said.includes(plain(line)))
}

async function samplesOf(path: string | URL): Promise<Float32Array> {
  const { samples } = await decodeAudio(await readFile(path), { maxSeconds: 600, maxBytes: 1e8 })
  return samples
}

async function* once(samples: Float32Array): AsyncGenerator<Float32Array> {
  yield samples
}

function shuffled<T>(items: readonly T[]): T[] {
  const random = seededRandom(1)
  return items
    .map(item => ({ item, at: random() }))
    .sort((one, other) => one.at - other.at)
    .map(({ item }) => item)
}

function sum(each: Errors): number {
  return each.reduce((total, count) => total + count, 0)
}
