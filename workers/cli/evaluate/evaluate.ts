/** `auricle evaluate`: tries a model on a suite, and writes what came of it; compares two that were tried. */
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { number, readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { comparisonOf, reportOf, tableOf } from './report.ts'
import { readFigures } from './results.ts'
import { run } from './run.ts'
import type { Sample, Suite } from './sample.ts'
import { reach } from './server.ts'
import { builtIn } from './suites/built-in.ts'
import { labelledFolders } from './suites/folders.ts'
import { aishell2, commonVoice, fleurs, librispeech } from './suites/speech.ts'
import { airBench, covost2, meld, vocalSound } from './suites/understanding.ts'

/** Recordings of one's own, and the sets of Qwen2-Audio's paper, where somebody has them. */
const readers: Readonly<Record<string, (path: string) => Promise<Sample[]>>> = {
  folders: labelledFolders,
  librispeech,
  aishell2,
  'common-voice': commonVoice,
  fleurs,
  covost2,
  meld,
  vocalsound: vocalSound,
  'air-bench': airBench,
}

const usage = `auricle evaluate [MODEL | PACK FOLDER | URL]      pocket, by a server that is started for it
  --suite built-in | NAME:PATH   again for each; NAME is one of
                         ${Object.keys(readers).join(', ')}
  --model NAME           the model of a URL, or another checkpoint: pocket:sft
  --out FOLDER           for report.md, its plots and results.jsonl; evaluation
  --only TEXT            only the sets whose name holds it
  --limit N              only the first N samples of each set
auricle evaluate compare A.jsonl B.jsonl
docs/evaluation.md tells what is measured, and how the sets are laid out.`

/** The command. @throws UsageError; Error with what the server says */
export async function evaluate(args: readonly string[]): Promise<void> {
  if (args[0] === 'compare') return compare(args.slice(1))
  const text = { type: 'string' } as const
  const { values, positionals } = readArguments(
    args,
    {
      suite: { type: 'string', multiple: true, default: ['built-in'] },
      model: text,
      out: { type: 'string', default: 'evaluation' },
      only: text,
      limit: text,
    },
    usage,
  )
  if (positionals.length > 1) throw new UsageError(usage)
  const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : number('limit', values.limit)
  const suite = cut(await suiteOf(values.suite), values.only ?? '', limit)
  if (suite.samples.length === 0) throw new UsageError(`There is nothing to try.\n${usage}`)
  const tried = await reach(positionals[0] ?? 'pocket', values.model ?? null)
  try {
    const evaluation = await run(tried, suite, (done, all) => {
      if (process.stderr.isTTY) process.stderr.write(`\r${done} of ${all}`)
    })
    const { markdown, plots } = reportOf(tried.model, evaluation)
    await mkdir(values.out, { recursive: true })
    const lines = [...evaluation.results, ...evaluation.figures].map(line => JSON.stringify(line))
    await writeFile(join(values.out, 'results.jsonl'), `${lines.join('\n')}\n`)
    await writeFile(join(values.out, 'report.md'), markdown)
    for (const [name, plot] of plots) await writeFile(join(values.out, name), plot)
    if (process.stderr.isTTY) process.stderr.write('\r')
    console.log(tableOf(evaluation.figures))
    console.log(`\n${join(values.out, 'report.md')}, ${join(values.out, 'results.jsonl')}`)
  } finally {
    await tried.stop()
  }
}

async function compare(files: readonly string[]): Promise<void> {
  const [first, second] = files
  if (first === undefined || second === undefined || files.length > 2) throw new UsageError(usage)
  const [one, other] = await Promise.all(
    [first, second].map(async file => readFigures(await readFile(file, 'utf8'))),
  )
  console.log(comparisonOf(one!, other!))
}

/** All suites that are named, one behind the other. @throws UsageError for one that there isn't */
export async function suiteOf(names: readonly string[]): Promise<Suite> {
  const suites: Suite[] = []
  for (const name of names) {
    if (name === 'built-in') suites.push(await builtIn())
    else {
      const [, set = '', path = ''] = /^([a-z0-9-]+):(.+)$/.exec(name) ?? []
      const load = readers[set]
      if (load === undefined) throw new UsageError(`There is no suite '${name}'.\n${usage}`)
      suites.push({ samples: await load(path), conditions: ['clean'] })
    }
  }
  return {
    samples: suites.flatMap(({ samples }) => samples),
    conditions: [...new Set(suites.flatMap(({ conditions }) => conditions))],
  }
}

function cut({ samples, conditions }: Suite, only: string, limit: number): Suite {
  const sets = Map.groupBy(
    samples.filter(({ set }) => set.includes(only)),
    ({ set }) => set,
  )
  return { samples: [...sets.values()].flatMap(set => set.slice(0, limit)), conditions }
}
