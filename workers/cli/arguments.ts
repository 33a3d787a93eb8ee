/** The command line, read by what a command says it takes. */
import { type ParseArgsConfig, parseArgs } from 'node:util'
import { UsageError } from './usage-error.ts'

type Options = NonNullable<ParseArgsConfig['options']>

/** @throws UsageError with the usage for what isn't among the options */
export function readArguments<T extends Options>(args: readonly string[], options: T, usage: string) {
  try {
    return parseArgs({ args: [...args], options, allowPositionals: true })
  } catch (error) {
    throw new UsageError(`${(error as Error).message}\n${usage}`)
  }
}

/** @throws UsageError unless it is a number */
export function number(name: string, text: string): number {
  const value = Number(text)
  if (text.trim() === '' || Number.isNaN(value))
    throw new UsageError(`--${name} takes a number, not '${text}'`)
  return value
}

/** Numbers between commas. @throws UsageError unless all are */
export function numbers(name: string, text: string): number[] {
  return text.split(',').map(part => number(name, part))
}

/** @throws UsageError unless it is one of those */
export function oneOf<T extends string>(name: string, text: string, choices: readonly T[]): T {
  const choice = choices.find(one => one === text)
  if (choice === undefined) throw new UsageError(`--${name} is one of ${choices.join(', ')}, not '${text}'`)
  return choice
}
