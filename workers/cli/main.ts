#!/usr/bin/env node
/** `auricle COMMAND ...`: finds the command and runs it. A new command is a line in `commands`. */
import { UsageError } from './usage-error.ts'

/** Runs with the arguments after its name. */
type Command = (args: readonly string[]) => Promise<void>

const commands: Readonly<Record<string, { summary: string; load: () => Promise<Command> }>> = {
  classify: {
    summary: 'say which of some labels fits a recording, by a server that runs',
    load: async () => (await import('./classify.ts')).classify,
  },
  evaluate: {
    summary: 'try a model on a suite of recordings, and compare models that were tried',
    load: async () => (await import('./evaluate/evaluate.ts')).evaluate,
  },
  keys: {
    summary: 'API keys: create, list, rotate, revoke, audit',
    load: async () => (await import('./keys.ts')).keys,
  },
  models: {
    summary: 'the models of this machine: list, add (from the hub, S3, a folder), remove',
    load: async () => (await import('./models/models.ts')).models,
  },
  ngram: {
    summary: 'n-gram language models: train, perplexity, query, generate, prune, mix, convert, compare',
    load: async () => (await import('./ngram/ngram.ts')).ngram,
  },
  transcribe: {
    summary: 'write down what is said in a recording, by a server that runs',
    load: async () => (await import('./transcribe.ts')).transcribe,
  },
}

const usage = [
  'auricle COMMAND ...',
  ...Object.entries(commands).map(([name, { summary }]) => `  ${name}  ${summary}`),
].join('\n')

// `auricle ... | head` is no failure.
process.stdout.on('error', (error: NodeJS.ErrnoException) => process.exit(error.code === 'EPIPE' ? 0 : 1))

const [name = '', ...args] = process.argv.slice(2)
try {
  const command = commands[name]
  if (name === '--help' || name === '-h') console.log(usage)
  else if (!command) throw new UsageError(name === '' ? usage : `There is no command '${name}'.\n${usage}`)
  else await (await command.load())(args)
} catch (error) {
  console.error(`auricle: ${error instanceof Error ? error.message : String(error)}`)
  process.exitCode = error instanceof UsageError ? 2 : 1
}
