/** Runs a suite against a server, sample by sample. */
import { readFile } from 'node:fs/promises'
import { closeDecoder, decodeAudio } from '../../../gpu-worker/audio/decode.ts'
import { defaultLimits } from '../../../src/protocol/limits.ts'
import { encodeWav } from '../../../web/wav.js'
import type { BleuTokenizer } from './bleu.ts'
import { conditions } from './conditions.ts'
import { figuresOf, holds, judge } from './judge.ts'
import type { Figure, SampleResult } from './results.ts'
import type { Sample, Suite } from './sample.ts'
import { type Answered, ask, askInText, classify, type Tried } from './server.ts'

/** All that came of it. */
export interface Evaluation {
  readonly results: readonly SampleResult[]
  readonly figures: readonly Figure[]
  /** What couldn't be tried, and why; counted nowhere. */
  readonly failures: readonly string[]
}

const RATE_HZ = 16_000
const TRANSCRIBE = 'Transcribe the audio.'
const BOUNDS = { maxSeconds: defaultLimits.maxAudioSeconds, maxBytes: 512 * 1024 * 1024 }

/**
 * Every sample, transcripts under every condition.
 * @param note told of each answer
 * @throws Error where the first sample fails, with what the server says
 */
export async function run(
  tried: Tried,
  suite: Suite,
  note: (done: number, all: number) => void = () => {},
): Promise<Evaluation> {
  const work = suite.samples.flatMap(sample =>
    (sample.task.kind === 'transcribe' ? suite.conditions : ['clean']).map(condition => ({
      sample,
      condition,
    })),
  )
  const results: SampleResult[] = []
  const failures: string[] = []
  const tokenizers = new Map<string, BleuTokenizer>()
  const agreements = new Map<string, { inText: number; spoken: number }>()
  try {
    for (const [done, { sample, condition }] of work.entries()) {
      const result = await judged(tried, sample, condition).catch((error: Error) => {
        const failure = `${sample.audio} (${condition}): ${error.message}`
        // Where the very first fails, so will the rest.
        if (results.length === 0) throw new Error(failure, { cause: error })
        failures.push(failure)
        return null
      })
      note(done + 1, work.length)
      if (result === null) continue
      results.push(result)
      if (sample.task.kind === 'translate') tokenizers.set(sample.set, sample.task.tokenizer)
      if (sample.task.kind === 'answer' && sample.task.question === null && sample.task.accept !== null) {
        const { text } = await askInText(tried, sample.reference)
        const agreement = agreements.get(sample.set) ?? { inText: 0, spoken: 0 }
        agreements.set(sample.set, agreement)
        if (holds(text, sample.task.accept)) {
          agreement.inText++
          if (result.right) agreement.spoken++
        }
      }
    }
  } finally {
    await closeDecoder()
  }
  const groups = [...Map.groupBy(results, ({ set, condition }) => JSON.stringify([set, condition])).values()]
  const figures = groups.flatMap(group => figuresOf(tried.model, group, tokenizers.get(group[0]!.set)))
  for (const [set, { inText, spoken }] of agreements) {
    if (inText === 0) continue
    figures.push({
      type: 'figure',
      model: tried.model,
      set,
      condition: 'clean',
      metric: 'right of those right in text',
      unit: '%',
      value: (100 * spoken) / inText,
      count: inText,
      lower_is_better: false,
    })
  }
  return { results, figures, failures }
}

async function judged(tried: Tried, sample: Sample, condition: string): Promise<SampleResult> {
  return judge(sample, condition, await answer(tried, sample, await audioOf(sample.audio, condition)))
}

function answer(tried: Tried, { task }: Sample, audio: Uint8Array): Promise<Answered> {
  switch (task.kind) {
    case 'transcribe':
    case 'nothing':
      return ask(tried, audio, TRANSCRIBE)
    case 'translate':
      return ask(tried, audio, task.prompt)
    case 'classify':
      return classify(tried, audio, task.labels, task.prompt)
    case 'answer':
    case 'obey':
      return ask(tried, audio, task.question)
  }
}

/** The file as it is, or what a condition makes of it as WAV; whoever is done with it closes the decoder. */
export async function audioOf(path: string, condition: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(await readFile(path))
  if (condition === 'clean') return bytes
  const { samples } = await decodeAudio(bytes, BOUNDS)
  return encodeWav(conditions[condition]!(samples), RATE_HZ).bytes()
}
