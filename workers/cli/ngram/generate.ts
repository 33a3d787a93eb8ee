/** `auricle ngram generate`: sentences from a model. */
import { type Choice, generate } from '../../../src/ngram/generate.ts'
import { detokenize, plainTokenizer, tokenize } from '../../../src/ngram/tokenizer.ts'
import { number, oneOf, readArguments } from '../arguments.ts'
import { UsageError } from '../usage-error.ts'
import { readModel } from './files.ts'

const usage = `auricle ngram generate MODEL
  --method sample         or argmax, beam
  --seed 1 --count 5      for sample: sentence i has the seed plus i
  --temperature 1 --top-k K   for sample
  --width 8               for beam
  --maximum-words 40
  --prefix 'how are'      what the sentence begins with`

/** @throws UsageError, NgramError */
export async function generateText(args: readonly string[]): Promise<void> {
  const { values, positionals } = readArguments(
    args,
    {
      method: { type: 'string', default: 'sample' },
      seed: { type: 'string', default: '1' },
      count: { type: 'string', default: '1' },
      temperature: { type: 'string', default: '1' },
      'top-k': { type: 'string' },
      width: { type: 'string', default: '8' },
      'maximum-words': { type: 'string', default: '40' },
      prefix: { type: 'string', default: '' },
    },
    usage,
  )
  const [path] = positionals
  if (path === undefined || positionals.length > 1) throw new UsageError(usage)
  const method = oneOf('method', values.method, ['sample', 'argmax', 'beam'])
  const choiceOf = (index: number): Choice => {
    if (method === 'argmax') return { method }
    if (method === 'beam') return { method, width: number('width', values.width) }
    return {
      method,
      seed: number('seed', values.seed) + index,
      temperature: number('temperature', values.temperature),
      ...(values['top-k'] !== undefined && { topK: number('top-k', values['top-k']) }),
    }
  }
  const model = await readModel(path)
  const tokenizer = model.tokenizer ?? plainTokenizer
  const prefix = tokenize(values.prefix, tokenizer)
  const count = method === 'sample' ? number('count', values.count) : 1
  for (let index = 0; index < count; index++) {
    const maximumWords = number('maximum-words', values['maximum-words'])
    const { words } = generate(model, { choice: choiceOf(index), maximumWords, prefix })
    console.log(detokenize(words, tokenizer))
  }
}
