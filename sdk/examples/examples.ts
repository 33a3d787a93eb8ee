/** All examples. Each is a function of a client, a recording and a place to print, and runs wherever the client does. */
import { ask } from './ask.ts'
import { extract } from './extract.ts'
import { handleErrors } from './handle-errors.ts'
import { transcribe } from './transcribe.ts'

export const examples = { ask, transcribe, extract, 'handle-errors': handleErrors }

/** Whether there is such an example. */
export function isExample(name: string): name is keyof typeof examples {
  return Object.hasOwn(examples, name)
}
