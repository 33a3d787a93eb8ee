/**
 * llama.cpp through node-llama-cpp, in a process of its own: `node llama-cpp.ts INDEX_JS GGUF THREADS`.
 *
 * {"op": "first-token", "system": text, "user": text} -> {"ms", "text"}: what another question costs; the system
 *   message is kept from the last time, as its chat session does.
 * {"op": "generate", "prompts": [[id]], "tokens": n} -> {"arrivalsMs": [[ms]]}: all at once, from nothing;
 *   when each token came, counted from the start.
 */
import { createInterface } from 'node:readline'
import { pathToFileURL } from 'node:url'

/** The part of node-llama-cpp that is used; it isn't a dependency, so its own types aren't here. */
interface Sequence {
  readonly nextTokenIndex: number
  adaptStateToTokens(tokens: number[], allowShift: boolean): Promise<void>
  clearHistory(): Promise<void>
  evaluate(tokens: number[], options: object): AsyncGenerator<number>
}
interface Model {
  tokenize(text: string, specialTokens: boolean): number[]
  detokenize(tokens: number[]): string
  createContext(options: object): Promise<{ getSequence(): Sequence }>
}

const [index = '', modelPath = '', threads = '1'] = process.argv.slice(2)
const { getLlama } = await import(pathToFileURL(index).href)
const llama = await getLlama({
  gpu: false,
  build: 'never',
  logLevel: 'error',
  maxThreads: Number(threads),
})
const model: Model = await llama.loadModel({ modelPath })
const sequencesByCount = new Map<number, Sequence[]>()
reply({ ready: true })

for await (const line of createInterface({ input: process.stdin })) {
  const request = JSON.parse(line)
  try {
    reply(request.op === 'first-token' ? await firstToken(request) : await generate(request))
  } catch (error) {
    reply({ error: String(error) })
  }
}

async function firstToken({ system, user }: { system: string; user: string }) {
  const startedMs = performance.now()
  const [sequence] = await sequencesFor(1)
  const kept = model.tokenize(system, true)
  await sequence!.adaptStateToTokens(kept, false)
  const tokens = [...kept, ...model.tokenize(user, true)].slice(sequence!.nextTokenIndex)
  for await (const token of sequence!.evaluate(tokens, { temperature: 0, yieldEogToken: true })) {
    return { text: model.detokenize([token]), ms: performance.now() - startedMs }
  }
  throw new Error('no token came')
}

async function generate({ prompts, tokens }: { prompts: number[][]; tokens: number }) {
  const sequences = await sequencesFor(prompts.length)
  await Promise.all(sequences.map(sequence => sequence.clearHistory()))
  const startedMs = performance.now()
  const arrivalsMs = await Promise.all(
    prompts.map(async (prompt, i) => {
      const arrivals: number[] = []
      for await (const _ of sequences[i]!.evaluate(prompt, { temperature: 0, yieldEogToken: true })) {
        arrivals.push(performance.now() - startedMs)
        if (arrivals.length === tokens) break
      }
      return arrivals
    }),
  )
  return { arrivalsMs }
}

/** A context that holds just so many sequences: more would cost the single one. */
async function sequencesFor(count: number): Promise<Sequence[]> {
  const held = sequencesByCount.get(count)
  if (held) return held
  const context = await model.createContext({
    contextSize: 1024,
    sequences: count,
    threads: Number(threads),
    batchSize: 512,
  })
  const sequences = Array.from({ length: count }, () => context.getSequence())
  sequencesByCount.set(count, sequences)
  return sequences
}

function reply(message: object): void {
  console.log(JSON.stringify(message))
}
