/** Translation, emotion, vocal sounds and AIR-Bench, by the layouts that they are published in. */
import { readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import * as z from 'zod'
import type { Sample } from '../sample.ts'
import { readNamedTable } from './table.ts'

const LANGUAGES: Readonly<Record<string, string>> = {
  ar: 'Arabic',
  ca: 'Catalan',
  cy: 'Welsh',
  de: 'German',
  en: 'English',
  es: 'Spanish',
  et: 'Estonian',
  fa: 'Persian',
  fr: 'French',
  id: 'Indonesian',
  it: 'Italian',
  ja: 'Japanese',
  lv: 'Latvian',
  mn: 'Mongolian',
  nl: 'Dutch',
  pt: 'Portuguese',
  ru: 'Russian',
  sl: 'Slovenian',
  sv: 'Swedish',
  ta: 'Tamil',
  tr: 'Turkish',
  zh: 'Chinese',
}

/** A table `covost_v2.en_de.test.tsv` (path, translation) beside Common Voice's `clips/`. */
export async function covost2(table: string): Promise<Sample[]> {
  const languages = /covost_v2\.([a-z]{2})(?:-\w+)?_([a-z]{2})(?:-\w+)?\./.exec(basename(table))
  const [, from = '', to = ''] = languages ?? []
  const target = LANGUAGES[to]
  if (target === undefined) throw new Error(`${basename(table)} is no name like covost_v2.en_de.test.tsv.`)
  const rows = readNamedTable(await readFile(table, 'utf8'), '\t', ['path', 'translation'], false)
  return rows.map(({ path, translation }) => ({
    set: `covost2 ${from}-${to}`,
    id: path,
    audio: join(table, '..', 'clips', path),
    reference: translation,
    task: {
      kind: 'translate',
      prompt: `Translate the speech into ${target}.`,
      tokenizer: to === 'zh' ? 'zh' : '13a',
    },
  }))
}

const EMOTIONS = ['neutral', 'joy', 'surprise', 'anger', 'sadness', 'disgust', 'fear']

/** `test_sent_emo.csv` beside `output_repeated_splits_test/dia0_utt0.wav` (or `.mp4`, whose sound is taken). */
export async function meld(folder: string): Promise<Sample[]> {
  const names = ['Emotion', 'Dialogue_ID', 'Utterance_ID'] as const
  const rows = readNamedTable(await readFile(join(folder, 'test_sent_emo.csv'), 'utf8'), ',', names)
  return rows.map(({ Emotion, Dialogue_ID, Utterance_ID }) => {
    const id = `dia${Dialogue_ID}_utt${Utterance_ID}`
    return {
      set: 'meld',
      id,
      audio: join(folder, 'output_repeated_splits_test', `${id}.wav`),
      reference: Emotion,
      task: {
        kind: 'classify',
        labels: EMOTIONS,
        prompt: 'How does the speaker feel? Answer with one word.',
      },
    }
  })
}

/** What the files of VocalSound are named after. */
const VOCAL_SOUNDS: Readonly<Record<string, string>> = {
  laughter: 'laughter',
  sigh: 'sigh',
  cough: 'cough',
  throatclearing: 'throat clearing',
  sneeze: 'sneeze',
  sniff: 'sniff',
}

/** `datafiles/te.json` (`data[].wav`) and `audio_16k/f0003_0_cough.wav`. */
export async function vocalSound(folder: string): Promise<Sample[]> {
  const Listed = z.object({ data: z.array(z.object({ wav: z.string() })) })
  const { data } = Listed.parse(JSON.parse(await readFile(join(folder, 'datafiles/te.json'), 'utf8')))
  return data.map(({ wav }) => {
    const id = basename(wav)
    const sound = VOCAL_SOUNDS[/_([a-z]+)\.\w+$/.exec(id)?.[1] ?? '']
    if (sound === undefined) throw new Error(`${id} is not named after one of its sounds.`)
    const task = { kind: 'classify' as const, labels: Object.values(VOCAL_SOUNDS), prompt: null }
    return { set: 'vocalsound', id, audio: join(folder, 'audio_16k', id), reference: sound, task }
  })
}

const AirBenchQuestion = z.object({
  uniq_id: z.union([z.number(), z.string()]),
  path: z.string(),
  question: z.string(),
  answer_gt: z.string(),
  task_name: z.string(),
  dataset_name: z.string(),
  choice_a: z.string().nullish(),
  choice_b: z.string().nullish(),
  choice_c: z.string().nullish(),
  choice_d: z.string().nullish(),
})

/**
 * `Foundation_meta.json` or `Chat_meta.json` beside the folders `TASK_DATASET/`. Questions of Foundation have choices; those
 * of Chat are judged by GPT-4 in the paper, so their answers are only written down.
 */
export async function airBench(file: string): Promise<Sample[]> {
  const questions = z.array(AirBenchQuestion).parse(JSON.parse(await readFile(file, 'utf8')))
  return questions.map(question => {
    const { uniq_id, path, task_name: task, dataset_name: dataset, answer_gt: reference } = question
    const choices = [question.choice_a, question.choice_b, question.choice_c, question.choice_d]
    const labels = [...new Set(choices.flatMap(choice => (choice ? [choice.trim()] : [])))]
    const common = { id: String(uniq_id), audio: join(file, '..', `${task}_${dataset}`, path) }
    return labels.length < 2
      ? {
          ...common,
          set: `air-bench chat: ${task}`,
          reference,
          task: { kind: 'answer' as const, question: question.question, accept: null },
        }
      : {
          ...common,
          set: `air-bench: ${task}`,
          reference: reference.trim(),
          task: { kind: 'classify' as const, labels, prompt: question.question },
        }
  })
}
