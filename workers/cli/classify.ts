/** `auricle classify FILE`: asks a server that runs which of some labels fits a recording. */
import { openAsBlob } from 'node:fs'
import { basename } from 'node:path'
import { Classification } from '../../src/protocol/classifications.ts'
import { taxonomies } from '../../src/protocol/taxonomies.ts'
import { readArguments } from './arguments.ts'
import { post } from './server.ts'
import { UsageError } from './usage-error.ts'

const usage = `auricle classify FILE --labels dog,cat,rain | --taxonomy ${Object.keys(taxonomies).join('|')}
  --model NAME          pocket
  --top-k N             so many labels; all
  --multi-label         several labels may be right
  --threshold N         0 to 1: a label with a lower score isn't given as right
  --prompt TEXT         the question that the labels answer
  --json                the answer as the server gives it
  --url URL             the server, http://127.0.0.1:8080; start one with npm start
  AURICLE_API_KEY       the key, where the server asks for one`

/** Sent on as they are, under the API's names. */
const fields = ['taxonomy', 'top-k', 'threshold', 'prompt'] as const

/** The command. @throws UsageError; Error with what the server says */
export async function classify(args: readonly string[]): Promise<void> {
  const text = { type: 'string' } as const
  const { values, positionals } = readArguments(
    args,
    {
      model: { type: 'string', default: 'pocket' },
      url: { type: 'string', default: 'http://127.0.0.1:8080' },
      labels: text,
      taxonomy: text,
      'top-k': text,
      'multi-label': { type: 'boolean', default: false },
      threshold: text,
      prompt: text,
      json: { type: 'boolean', default: false },
    },
    usage,
  )
  const [path] = positionals
  if (path === undefined || positionals.length > 1) throw new UsageError(usage)
  if ((values.labels === undefined) === (values.taxonomy === undefined)) throw new UsageError(usage)
  const form = new FormData()
  form.append('file', await openAsBlob(path), basename(path))
  form.append('model', values.model)
  for (const label of values.labels?.split(',') ?? []) form.append('labels[]', label)
  for (const name of fields) {
    const value = values[name]
    if (value !== undefined) form.append(name.replace('-', '_'), value)
  }
  if (values['multi-label']) form.append('multi_label', 'true')
  const response = await post(values.url, '/v1/audio/classifications', form)
  const answer = Classification.parse(await response.json())
  if (values.json) console.log(JSON.stringify(answer, null, 2))
  else console.log(table(answer))
}

/** A line a label: its score, and a star where it is given as right. */
function table({ labels, results, none_of_these: none }: Classification): string {
  const line = (score: number, label: string, fits: boolean) =>
    `${score.toFixed(3)}  ${label}${fits ? '  *' : ''}`
  return [
    ...results.map(({ label, score }) => line(score, label, labels.includes(label))),
    line(none, '(none of these)', labels.length === 0),
  ].join('\n')
}
