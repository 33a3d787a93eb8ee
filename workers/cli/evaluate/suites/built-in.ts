/** The suite that comes with the repository: recordings that no pack of it was trained on (test/fixtures). */
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import * as z from 'zod'
import { taxonomies } from '../../../../src/protocol/taxonomies.ts'
import { conditions } from '../conditions.ts'
import type { formats, Sample, Suite, Task } from '../sample.ts'

const Manifest = z.array(
  z.object({
    file: z.string(),
    text: z.string(),
    question: z.string().optional(),
    accept: z.array(z.string()),
  }),
)
type Fixture = z.infer<typeof Manifest>[number]

/** Formats are asked for of so many messages. */
const OBEYED_MESSAGES = 10

const obeyed: readonly (readonly [keyof typeof formats, string])[] = [
  ['one word', 'What is this about? Answer with one word.'],
  ['yes or no', 'Does somebody speak in this recording? Answer only with yes or no.'],
  ['capital letters', 'Transcribe the audio in capital letters.'],
  ['json', 'What is this about? Answer with nothing but JSON: {"topic": "..."}'],
]

/** All of it. */
export async function builtIn(): Promise<Suite> {
  const samples: Sample[] = []
  const add = async (folder: string, set: string, taskOf: (fixture: Fixture) => [Task, string?] | null) => {
    const at = new URL(`../../../../test/fixtures/${folder}/`, import.meta.url)
    for (const fixture of Manifest.parse(JSON.parse(await readFile(new URL('manifest.json', at), 'utf8')))) {
      const [task, reference = fixture.text] = taskOf(fixture) ?? []
      if (task === undefined) continue
      const audio = fileURLToPath(new URL(fixture.file, at))
      samples.push({ set, id: fixture.file, audio, reference, task })
    }
  }
  const english: Task = { kind: 'transcribe', language: 'en', units: 'words' }
  await add('spoken-sentences', 'sentences', () => [english])
  await add('telephone-prompts', 'telephone prompts', () => [english])
  await add('spoken-questions', 'voice chat', ({ accept }) => [{ kind: 'answer', question: null, accept }])
  await add('spoken-messages', 'questions about messages', ({ question, accept }) =>
    question === undefined ? null : [{ kind: 'answer', question, accept }],
  )
  await add('spoken-digits', 'digits', () => [classifying(taxonomies.digits)])
  await add('sounds', 'instruments', ({ file }) => {
    const instrument = /^music-(\w+)\./.exec(file)?.[1]
    return instrument === undefined ? null : [classifying(taxonomies.instruments), instrument]
  })
  await add('sounds', 'speech, music, noise', ({ file }) => {
    const kind = /^(music|noise|silence)/.exec(file)?.[1]
    return kind === undefined ? null : [classifying(taxonomies['speech-music-noise']), kind]
  })
  await add('spoken-sentences', 'speech, music, noise', ({ file }) =>
    /^0\d\./.test(file) ? [classifying(taxonomies['speech-music-noise']), 'speech'] : null,
  )
  await add('sounds', 'no words', () => [{ kind: 'nothing' }])
  for (const [format, question] of obeyed) {
    let left = OBEYED_MESSAGES
    await add('spoken-messages', `format: ${format}`, () =>
      left-- > 0 ? [{ kind: 'obey', question, format }] : null,
    )
  }
  return { samples, conditions: Object.keys(conditions) }
}

function classifying(labels: readonly string[]): Task {
  return { kind: 'classify', labels, prompt: null }
}
