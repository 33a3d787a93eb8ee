/** The thread that compiles schemas: takes one, answers with the memory of an instance that holds its grammar. */
import { parentPort, workerData } from 'node:worker_threads'
import { type JsonSchema, subschemasOf } from '../../src/protocol/json-schema.ts'
import { GrammarError, GrammarInstance, type MemoryImage, type Vocabulary } from './instance.ts'

/** What the thread is started with. */
export interface CompileThreadData {
  module: WebAssembly.Module
  vocabulary: Vocabulary
}

/** What it answers to a schema, which is sent as JSON. */
export type CompileReply =
  | { type: 'compiled'; image: MemoryImage; matcher: number }
  /** `path` leads to the smallest part of the schema that is refused by itself. */
  | { type: 'refused'; message: string; path: PropertyKey[] }
  /** Out of memory or stack. */
  | { type: 'broken' }

/** Parts of a refused schema that are tried, to tell which one it is. */
const MAX_TRIALS = 200

const { module, vocabulary } = workerData as CompileThreadData
const loaded = new GrammarInstance(module)
loaded.loadVocabulary(vocabulary)
const empty = loaded.image()

parentPort!.on('message', (schema: string) => {
  const [answer, transfer] = compile(schema)
  parentPort!.postMessage(answer, transfer)
})

function compile(schema: string): [reply: CompileReply, transfer: ArrayBuffer[]] {
  const instance = new GrammarInstance(module, empty)
  try {
    const matcher = instance.compile(schema)
    const image = instance.image()
    return [{ type: 'compiled', image, matcher }, [image.blocks.buffer, image.offsets.buffer]]
  } catch (error) {
    return [error instanceof GrammarError ? blame(schema, error) : { type: 'broken' }, []]
  }
}

/** Follows what is refused down to the part that is refused by itself; the definitions go with it. */
function blame(text: string, error: GrammarError): CompileReply {
  const root = JSON.parse(text) as JsonSchema
  const definitions = { $defs: root['$defs'], definitions: root['definitions'] }
  const instance = new GrammarInstance(module, empty)
  let trials = 0
  let schema: unknown = root
  let message = error.message
  const path: PropertyKey[] = []
  const refusal = (part: unknown): string | null => {
    try {
      instance.compile(JSON.stringify(isObject(part) ? { ...definitions, ...part } : part))
      return null
    } catch (thrown) {
      if (thrown instanceof GrammarError) return thrown.message
      trials = MAX_TRIALS
      return null
    }
  }
  for (let deeper = true; deeper; ) {
    deeper = false
    for (const [step, part] of isObject(schema) ? subschemasOf(schema) : []) {
      // A part that is false, or can't be, may be what its schema means to say.
      if (part === false || ++trials > MAX_TRIALS) continue
      const reason = refusal(part)
      if (reason === null) continue
      path.push(...step)
      schema = part
      message = reason
      deeper = true
      break
    }
  }
  return { type: 'refused', message, path }
}

function isObject(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
